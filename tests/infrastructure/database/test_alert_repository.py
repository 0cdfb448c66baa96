"""AlertRepository: one open alert for each thing, raised and resolved with what it is about."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clocks import FakeClock
from munshi.domain.alerts import Alert, Severity
from munshi.infrastructure.database.engine import Database


def raise_login(database: Database, clock: FakeClock, title: str = "Log in at Kite") -> None:
    with database.transaction() as tx:
        tx.alerts.raise_alert(
            "login:kite",
            kind="login_needed",
            severity=Severity.WARNING,
            title=title,
            link="https://example.test/login",
            subject="kite",
            now=clock.now(),
        )


def configure(database: Database, clock: FakeClock, **rule: object) -> None:
    with database.transaction() as tx:
        tx.config.set_config(
            "alerts", "alert.login_needed", rule, updated_by="asha", now=clock.now()
        )


def open_alerts(database: Database) -> list[Alert]:
    with database.reading() as tx:
        return tx.alerts.list_open_alerts()


def test_a_raised_alert_is_open_with_what_it_says(database: Database, clock: FakeClock) -> None:
    raise_login(database, clock)

    (alert,) = open_alerts(database)

    assert (alert.kind, alert.severity, alert.state) == ("login_needed", "warning", "firing")
    assert (alert.title, alert.link) == ("Log in at Kite", "https://example.test/login")
    assert (alert.raised_at, alert.resolved_at) == (clock.now(), None)


def test_raising_it_again_refreshes_the_open_one(database: Database, clock: FakeClock) -> None:
    raise_login(database, clock)
    first = clock.now()
    clock.advance(timedelta(minutes=5))
    raise_login(database, clock, title="Still waiting")

    (alert,) = open_alerts(database)

    assert (alert.title, alert.raised_at) == ("Still waiting", first)


def test_a_resolved_alert_may_be_raised_anew(database: Database, clock: FakeClock) -> None:
    raise_login(database, clock)
    clock.advance(timedelta(minutes=5))
    with database.transaction() as tx:
        first = tx.alerts.resolve_alert("login:kite", now=clock.now())
        second = tx.alerts.resolve_alert("login:kite", now=clock.now())
    clock.advance(timedelta(minutes=5))
    raise_login(database, clock)

    with database.reading() as tx:
        newest, oldest = tx.alerts.list_alerts(limit=9)

    assert (first, second) == (True, False)
    assert (newest.state, oldest.state) == ("firing", "resolved")
    assert oldest.resolved_at == clock.now() - timedelta(minutes=5)


def test_an_alert_rolls_back_with_its_cause(database: Database, clock: FakeClock) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            tx.alerts.raise_alert("x", kind="x", severity=Severity.INFO, title="x", now=clock.now())
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert open_alerts(database) == []


def test_two_who_notice_at_once_open_one(database: Database, clock: FakeClock) -> None:
    both = Barrier(2)

    def notice(_: int) -> None:
        both.wait(10)
        raise_login(database, clock)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(notice, range(2)))

    assert len(open_alerts(database)) == 1


def somebody_waits(database: Database) -> bool:
    with database.engine.connect() as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        return bool(connection.scalar(text(asked + "AND wait_event_type = 'Lock'")))


def test_who_comes_second_keeps_the_rest_of_their_transaction(
    postgresql_database: Database, clock: FakeClock
) -> None:
    def second() -> None:
        with postgresql_database.transaction() as tx:
            tx.config.set_config("jobs", "keep_days", 9, updated_by="asha", now=clock.now())
            tx.alerts.raise_alert(
                "x", kind="x", severity=Severity.INFO, title="second", now=clock.now()
            )

    with ThreadPoolExecutor(1) as pool:
        with postgresql_database.transaction() as tx:
            tx.alerts.raise_alert(
                "x", kind="x", severity=Severity.INFO, title="first", now=clock.now()
            )
            other = pool.submit(second)
            while not somebody_waits(postgresql_database):
                assert not other.done()
        other.result(30)

    with postgresql_database.reading() as tx:
        assert [alert.title for alert in tx.alerts.list_open_alerts()] == ["second"]
        assert tx.config.get_config("jobs", "keep_days") is not None


def test_the_database_itself_refuses_a_second_open_one(
    database: Database, clock: FakeClock
) -> None:
    raise_login(database, clock)

    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.connection.execute(
            text(
                'INSERT INTO "Alerts" (id, fingerprint, kind, severity, state, title, raised_at) '
                "SELECT '00000000-0000-0000-0000-000000000001', fingerprint, kind, severity, "
                'state, title, raised_at FROM "Alerts"'
            )
        )


def test_configuration_gives_another_severity(database: Database, clock: FakeClock) -> None:
    configure(database, clock, severity="critical")

    raise_login(database, clock)

    assert [alert.severity for alert in open_alerts(database)] == ["critical"]


def test_configuration_silences_a_kind_and_only_that(database: Database, clock: FakeClock) -> None:
    configure(database, clock, enabled=False)

    raise_login(database, clock)
    with database.transaction() as tx:
        tx.alerts.raise_alert(
            "other", kind="other", severity=Severity.INFO, title="x", now=clock.now()
        )

    assert [alert.kind for alert in open_alerts(database)] == ["other"]
