"""The desk that job tests work at, on both databases."""

from collections.abc import Iterator

import pytest

from clocks import FakeClock
from jobs.desk import Desk
from munshi.infrastructure.database.engine import Database


@pytest.fixture
def desk(database: Database, clock: FakeClock) -> Iterator[Desk]:
    opened = Desk(database, clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_desk(sqlite_database: Database, clock: FakeClock) -> Iterator[Desk]:
    """For what is decided before any SQL is run."""
    opened = Desk(sqlite_database, clock)
    yield opened
    opened.close()
