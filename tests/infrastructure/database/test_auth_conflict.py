"""Two logins that commit at once: one is stored, the other is told, none is doubled."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.domain.sessions import BrokerSession
from munshi.errors import SessionConflictError
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode


def granted(clock: FakeClock, token: str) -> BrokerSession:
    return BrokerSession(
        service=Service.KITE,
        mode=BrokerMode.SIMULATED,
        access_token=token,
        user_id="AB1234",
        user_name="Asha",
        expires_at=clock.now() + timedelta(hours=8),
        metadata={},
    )


def active_rows(database: Database) -> int:
    with database.reading() as tx:
        return int(
            tx.connection.execute(
                text('SELECT count(*) FROM "AuthSessions" WHERE is_active')
            ).scalar_one()
        )


def test_on_postgresql_the_one_who_commits_second_is_told(
    postgresql_database: Database, clock: FakeClock
) -> None:
    with postgresql_database.transaction() as tx:  # the first key, so that nobody waits for that
        tx.vault.seal("x", table="AuthSessions", column="access_token", row_id=uuid4())

    def second() -> None:
        with postgresql_database.transaction() as tx:
            tx.auth.save_session(granted(clock, "second"), now=clock.now())

    with ThreadPoolExecutor(1) as pool:
        with postgresql_database.transaction() as tx:
            tx.auth.save_session(granted(clock, "first"), now=clock.now())
            other = pool.submit(second)
            while not _somebody_waits(postgresql_database):
                assert not other.done()
        with pytest.raises(SessionConflictError, match="same moment"):
            other.result(30)

    with postgresql_database.reading() as tx:
        found = tx.auth.get_active_session(Service.KITE, mode=BrokerMode.SIMULATED, now=clock.now())
    assert found is not None
    assert found.access_token == "first"
    assert active_rows(postgresql_database) == 1


def test_on_sqlite_logins_queue_and_the_last_one_stands(
    sqlite_database: Database, clock: FakeClock
) -> None:
    def save(number: int) -> None:
        with sqlite_database.transaction() as tx:
            tx.auth.save_session(granted(clock, f"token {number}"), now=clock.now())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(8)))

    assert active_rows(sqlite_database) == 1


def test_the_database_itself_refuses_a_second_active_row(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted(clock, "first"), now=clock.now())
        tx.auth.save_session(granted(clock, "second"), now=clock.now())
    yes = "true" if database.dialect == "postgresql" else "1"

    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.connection.execute(text(f'UPDATE "AuthSessions" SET is_active = {yes}'))


def _somebody_waits(database: Database) -> bool:
    with database.engine.connect() as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        return bool(connection.scalar(text(asked + "AND wait_event_type = 'Lock'")))
