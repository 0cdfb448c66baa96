"""AuthRepository on both databases: the same promises through procedures and without them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.domain.sessions import BrokerSession
from munshi.errors import SecretUnreadableError
from munshi.infrastructure.database.auth_repository import CleanupCounts
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

LIVE, SIMULATED = BrokerMode.LIVE, BrokerMode.SIMULATED


@pytest.fixture
def granted(clock: FakeClock) -> BrokerSession:
    return BrokerSession(
        service=Service.KITE,
        mode=SIMULATED,
        access_token="first-token",
        user_id="AB1234",
        user_name="Asha",
        expires_at=clock.now() + timedelta(hours=8),
        metadata={"login": "manual"},
    )


def test_a_saved_login_is_found_with_its_token_in_clear(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        saved = tx.auth.save_session(granted, now=clock.now())

    with database.reading() as tx:
        found = tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=clock.now())

    assert found == saved
    assert found is not None
    assert found.access_token == "first-token"
    assert found.metadata == {"login": "manual"}


def test_the_token_is_not_in_the_row(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())

    with database.reading() as tx:
        stored = tx.connection.execute(text('SELECT access_token FROM "AuthSessions"')).scalar_one()

    assert b"first-token" not in bytes(stored)


def test_a_second_login_retires_the_first(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())
        tx.auth.save_session(replace(granted, access_token="second-token"), now=clock.now())

    with database.reading() as tx:
        active = tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=clock.now())
        rows = tx.connection.execute(text('SELECT count(*) FROM "AuthSessions"')).scalar_one()

    assert active is not None
    assert active.access_token == "second-token"
    assert rows == 2


def test_logins_of_other_modes_and_accounts_are_left_alone(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())
        tx.auth.save_session(replace(granted, mode=LIVE), now=clock.now())
        tx.auth.save_session(replace(granted, account="family"), now=clock.now())

    with database.reading() as tx:
        found = [
            tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=clock.now()),
            tx.auth.get_active_session(Service.KITE, mode=LIVE, now=clock.now()),
            tx.auth.get_active_session(
                Service.KITE, account="family", mode=SIMULATED, now=clock.now()
            ),
            tx.auth.get_active_session(Service.BREEZE, mode=SIMULATED, now=clock.now()),
        ]

    assert [session is not None for session in found] == [True, True, True, False]


def test_a_login_is_not_active_from_its_expiry_on(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())

    with database.reading() as tx:
        just_before = granted.expires_at - timedelta(microseconds=1)
        before = tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=just_before)
        at = tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=granted.expires_at)

    assert before is not None
    assert at is None


def test_an_ended_login_is_no_longer_active(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())

        first = tx.auth.deactivate_session(Service.KITE, mode=SIMULATED, now=clock.now())
        second = tx.auth.deactivate_session(Service.KITE, mode=SIMULATED, now=clock.now())

    assert (first, second) == (True, False)


def test_new_tokens_replace_the_old_ones_in_place(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        saved = tx.auth.save_session(granted, now=clock.now())
        later = saved.expires_at + timedelta(hours=1)
        tx.auth.update_session_token(
            saved, access_token="new", session_token="signed", expires_at=later, now=clock.now()
        )

    with database.reading() as tx:
        found = tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=clock.now())

    assert found is not None
    assert (found.access_token, found.session_token, found.expires_at) == ("new", "signed", later)


def test_cleanup_counts_what_it_ended_in_each_table(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now())
        tx.auth.save_session(
            replace(granted, service=Service.BREEZE, expires_at=clock.now() + timedelta(days=9)),
            now=clock.now(),
        )
    clock.set(granted.expires_at)

    with database.transaction() as tx:
        first = tx.auth.cleanup_expired_sessions(now=clock.now())
        second = tx.auth.cleanup_expired_sessions(now=clock.now())

    assert first == CleanupCounts(auth_sessions=1, user_sessions=0, cache_entries=0)
    assert second == CleanupCounts(auth_sessions=0, user_sessions=0, cache_entries=0)


def test_a_token_copied_to_another_row_does_not_open(
    database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.auth.save_session(replace(granted, account="family"), now=clock.now())
        victim = tx.auth.save_session(granted, now=clock.now()).session_id
        tx.connection.execute(
            text(
                'UPDATE "AuthSessions" SET access_token = (SELECT access_token FROM '
                "\"AuthSessions\" WHERE account = 'family') WHERE account = 'main'"
            )
        )

    with database.reading() as tx, pytest.raises(SecretUnreadableError, match=str(victim)):
        tx.auth.get_active_session(Service.KITE, mode=SIMULATED, now=clock.now())


def test_procedures_can_be_called_by_hand_on_postgresql(
    postgresql_database: Database, granted: BrokerSession, clock: FakeClock
) -> None:
    with postgresql_database.transaction() as tx:
        far = replace(granted, mode=LIVE, expires_at=clock.now() + timedelta(days=36500))
        saved = tx.auth.save_session(far, now=clock.now())

    with postgresql_database.transaction() as tx:
        found = tx.connection.execute(
            text("SELECT session_id FROM sp_GetActiveSession('kite')")
        ).scalar_one()
        counts = tx.connection.execute(text("SELECT * FROM sp_CleanupExpiredSessions()")).one()

    assert UUID(str(found)) == saved.session_id
    assert tuple(counts) == (0, 0, 0)
