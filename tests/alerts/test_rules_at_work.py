"""Rules at work: what is seen, when it fires, and that whatever fires or ends leaves a notice."""

from datetime import timedelta

import pytest

from alerts.telling import Telling
from munshi.clock import IST
from munshi.domain.alert_rules import Fact
from munshi.domain.alerts import NoticeEvent, Severity
from munshi.errors import DatabaseUnreachableError


def disk(percent: float) -> Fact:
    return Fact(
        source="health",
        name="disk",
        says=f"disk: {percent:g} % are free.",
        measures={"free_percent": percent},
        status="warn",
    )


def notices(telling: Telling) -> list[tuple[str, str]]:
    with telling.database.reading() as tx:
        waiting = tx.alert_outbox.list_waiting()
    return [(each.alert.fingerprint, str(each.event)) for each in waiting]


def test_a_seeded_rule_waits_fires_lasts_and_ends(telling: Telling) -> None:
    telling.facts = [disk(9)]
    seen = [telling.look(after) for after in (0, 30, 30)]
    telling.facts = [disk(4)]
    telling.look(15)
    [alert] = telling.open()
    telling.facts = [disk(50)]
    kept = [telling.look(after) for after in (15, 590)]
    ended = telling.look(10)

    name = "disk_low:disk"
    assert seen == [{name: "pending"}, {name: "pending"}, {name: "firing"}]
    assert (alert.title, alert.severity, alert.source) == (
        "disk: 4 % are free.",
        "warning",
        "health",
    )
    assert alert.fired_at == alert.raised_at + timedelta(seconds=60)
    assert kept == [{name: "firing"}, {name: "firing"}]
    assert ended == {}
    assert notices(telling) == [(name, "fired"), (name, "resolved")]


def test_what_was_pending_only_leaves_no_trace(telling: Telling) -> None:
    telling.facts = [disk(9)]
    telling.look()
    telling.facts = []
    telling.look(30)

    assert (telling.service.list_recent(), notices(telling)) == ([], [])


def test_a_rule_that_is_switched_off_ends_its_alerts(telling: Telling) -> None:
    telling.configure("alert.disk_low", {"when": {"source": "health", "status": "warn"}})
    telling.facts = [disk(9)]
    fired = telling.look()
    telling.configure("alert.disk_low", {"enabled": False})

    assert fired == {"disk_low:disk": "firing"}
    assert telling.look(1) == {}


def test_a_source_that_cannot_be_read_ends_nothing(telling: Telling) -> None:
    telling.configure("alert.mine", {"when": {"source": "health", "status": "warn"}})
    telling.configure("alert.disk_low", {"enabled": False})
    telling.facts = [disk(9)]
    telling.look()
    lost = telling.engine

    class Unreadable(list[Fact]):
        def __iter__(self) -> None:  # type: ignore[override]
            raise DatabaseUnreachableError("It is away.")

    telling.facts = Unreadable()
    away = lost.look()

    assert {each.fingerprint for each in telling.open()} == {"mine:disk"}
    assert (sorted(away.unknown), away.is_well) == (["health"], False)


def test_a_rule_of_trading_days_rests_at_the_weekend(telling: Telling) -> None:
    condition = {"source": "health", "status": "warn", "trading_days": True}
    telling.configure("alert.mine", {"when": condition})
    telling.configure("alert.disk_low", {"enabled": False})
    telling.facts = [disk(9)]
    on_friday = telling.look()
    telling.clock.set(telling.clock.now() + timedelta(days=1))
    on_saturday = telling.look()

    assert telling.clock.now().astimezone(IST).weekday() == 5
    assert (on_friday, on_saturday) == ({"mine:disk": "firing"}, {})


def test_what_fires_and_what_is_rolled_back_stay_together(telling: Telling) -> None:
    with pytest.raises(InterruptedError):
        _fire_and_roll_back(telling)

    assert (telling.open(), notices(telling)) == ([], [])


def _fire_and_roll_back(telling: Telling) -> None:
    with telling.database.transaction() as tx:
        tx.alerts.raise_alert(
            "x", kind="x", severity=Severity.CRITICAL, title="x", now=telling.clock.now()
        )
        assert len(tx.alert_outbox.list_waiting()) == 1
        raise InterruptedError


def test_alerts_of_rooms_live_by_the_rule_of_their_kind(telling: Telling) -> None:
    """Two failed logins, one notice; a rejection says worse; a login ends it."""
    name = "broker_login:kite"
    for kind, severity in (
        ("login_failed", Severity.WARNING),
        ("login_failed", Severity.WARNING),
        ("login_failed", Severity.WARNING),
    ):
        telling.fire(name, kind=kind, severity=severity)
    [alert] = telling.open()
    telling.end(name)

    assert (alert.state, alert.severity, alert.times) == ("firing", "critical", 3)
    assert notices(telling) == [(name, "fired"), (name, "resolved")]


def test_another_reason_counts_for_itself_and_a_graver_one_is_told(telling: Telling) -> None:
    name = "broker_login:kite"
    telling.fire(name, kind="broker_login", severity=Severity.INFO, title="It ends soon.")
    telling.fire(name, kind="login_failed", title="Wrong password.")
    [once] = telling.open()
    telling.fire(name, kind="login_failed", title="Wrong password.")
    [twice] = telling.open()

    assert (once.severity, once.title) == ("info", "Wrong password.")
    assert (twice.severity, twice.state) == ("critical", "firing")
    assert notices(telling) == [(name, "fired"), (name, str(NoticeEvent.WORSENED))]


def test_time_alone_makes_an_alert_of_a_room_fire_and_end(telling: Telling) -> None:
    telling.configure("alert.told_of", {"for_seconds": 60, "keep_firing_seconds": 60})
    telling.fire()
    waiting = telling.look(59)
    firing = telling.look(1)
    telling.end()
    kept = telling.look(59)

    assert [*waiting.values(), *firing.values(), *kept.values()] == ["pending", "firing", "firing"]
    assert telling.look(1) == {}
    assert [event for _, event in notices(telling)] == ["fired", "resolved"]
