"""The desk that schedule tests work at, on both databases."""

from collections.abc import Iterator

import pytest

from clocks import FakeClock
from munshi.infrastructure.database.engine import Database
from scheduler.desk import Desk


@pytest.fixture
def desk(database: Database, clock: FakeClock) -> Iterator[Desk]:
    opened = Desk(database, clock)
    yield opened
    opened.close()
