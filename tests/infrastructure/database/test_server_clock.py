"""The server's clock: hosts agree on it, and one that has drifted is not believed."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from clocks import FakeClock
from munshi.errors import ClockDriftError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_clock import ServerClock


def servers_time(database: Database) -> datetime:
    with database.reading() as tx:
        found: datetime = tx.connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found


def test_the_time_is_the_servers_in_utc(postgresql_database: Database) -> None:
    clock = ServerClock(postgresql_database)

    clock.start()
    before = servers_time(postgresql_database)
    now = clock.now()
    after = servers_time(postgresql_database)
    clock.stop()

    slack = timedelta(seconds=1)
    assert before - slack <= now <= after + slack
    assert now.utcoffset() == timedelta(0)


def test_a_clock_far_from_the_servers_is_refused_at_the_start(
    postgresql_database: Database,
) -> None:
    slow = FakeClock(servers_time(postgresql_database) - timedelta(minutes=3))

    with pytest.raises(ClockDriftError, match="Synchronise"):
        ServerClock(postgresql_database, here=slow).start()


def test_a_clock_that_drifts_later_is_refused_when_asked(
    postgresql_database: Database,
) -> None:
    drifting = FakeClock(servers_time(postgresql_database))
    clock = ServerClock(postgresql_database, here=drifting)
    drifting.advance(timedelta(minutes=3))

    clock.measure()

    with pytest.raises(ClockDriftError, match="drifted"):
        clock.now()


def test_a_clock_that_was_set_is_measured_again_before_it_is_believed(
    postgresql_database: Database,
) -> None:
    here = FakeClock(servers_time(postgresql_database))
    clock = ServerClock(postgresql_database, here=here)
    clock.start()

    here.set(here.now() + timedelta(seconds=1))
    clock.now()
    here.set(here.now() + timedelta(hours=1))
    with pytest.raises(ClockDriftError, match="drifted"):
        clock.now()
    here.set(servers_time(postgresql_database))
    now = clock.now()
    clock.stop()

    assert abs(now - servers_time(postgresql_database)) < timedelta(seconds=5)


def test_a_clock_that_was_set_while_the_database_is_away_is_not_believed(
    postgresql_database: Database,
) -> None:
    here = FakeClock(servers_time(postgresql_database))
    clock = ServerClock(postgresql_database, here=here)
    clock.measure()

    here.set(here.now() - timedelta(hours=1))

    with pytest.raises(ClockDriftError, match="was set"):
        clock.now()
