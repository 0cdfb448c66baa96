"""The quick way to read logins and alerts shows what the repositories show."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from clocks import FakeClock
from munshi.domain.alerts import Severity
from munshi.domain.enums import Service
from munshi.domain.sessions import BrokerSession
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.login_board import LoginBoard, LoginBoardReader
from munshi.settings import BrokerMode

SIMULATED = BrokerMode.SIMULATED


def _log_in(
    database: Database, service: Service, clock: FakeClock, *, mode: BrokerMode = SIMULATED
) -> None:
    granted = BrokerSession(
        service=service,
        mode=mode,
        access_token="made-up",
        user_id=f"{mode} {service}",
        user_name="Somebody",
        expires_at=clock.now() + timedelta(hours=8),
    )
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())


def _alert(database: Database, name: str, clock: FakeClock) -> None:
    with database.transaction() as tx:
        tx.alerts.raise_alert(
            name,
            kind="broker_login",
            severity=Severity.WARNING,
            title=f"{name} needs a login",
            link="http://localhost:8000/",
            subject=name,
            now=clock.now(),
        )


def test_both_ways_show_the_same(database: Database, clock: FakeClock) -> None:
    for service in Service:
        _log_in(database, service, clock)
        _log_in(database, service, clock, mode=BrokerMode.LIVE)
    for name in ("second", "first"):
        _alert(database, name, clock)
        clock.advance(timedelta(seconds=1))
    with database.transaction() as tx:
        tx.alerts.resolve_alert("first", now=clock.now())
    reader = LoginBoardReader(database)

    quick = reader.read(mode=SIMULATED)

    assert {login.user_id for login in quick.logins} == {"simulated kite", "simulated breeze"}
    assert [alert.fingerprint for alert in quick.alerts] == ["second"]
    assert _in_order(quick) == _in_order(reader.read_by_repositories(mode=SIMULATED))


def _in_order(board: LoginBoard) -> tuple[object, object]:
    return sorted(board.logins, key=lambda login: login.service), board.alerts


def test_a_change_by_another_connection_is_seen_at_once(
    database: Database, clock: FakeClock
) -> None:
    reader = LoginBoardReader(database)
    before = reader.read(mode=SIMULATED)

    _log_in(database, Service.KITE, clock)
    after = reader.read(mode=SIMULATED)

    assert (before.logins, [login.service for login in after.logins]) == ([], [Service.KITE])


def test_a_database_that_is_gone_is_said_to_be(sqlite_database: Database) -> None:
    path = Path(str(sqlite_database.url.database))
    path.unlink()
    path.mkdir()

    with pytest.raises(DatabaseUnreachableError):
        LoginBoardReader(sqlite_database).read(mode=SIMULATED)


def test_a_lost_connection_is_made_anew(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    reader = LoginBoardReader(sqlite_database)
    _log_in(sqlite_database, Service.KITE, clock)
    assert reader.read(mode=SIMULATED).logins
    path = Path(str(sqlite_database.url.database))
    sqlite_database.close()
    shutil.move(path, tmp_path / "elsewhere.db")
    path.mkdir()
    with pytest.raises(DatabaseUnreachableError):
        reader.read(mode=SIMULATED)
    path.rmdir()
    shutil.move(tmp_path / "elsewhere.db", path)

    assert reader.read(mode=SIMULATED).logins
