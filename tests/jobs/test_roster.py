"""What ended well is handed on exactly once, whoever asks."""

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest

from clocks import FakeClock
from munshi.infrastructure.database.engine import Database
from munshi.jobs.keeper import LeaseKeeper
from munshi.jobs.records import Finished
from munshi.jobs.roster import Roster

ENDS = 20_000
TAKERS = 3


@pytest.fixture
def restless_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless_threads")
def test_nothing_is_lost_when_several_threads_take_what_ended(
    sqlite_database: Database, clock: FakeClock
) -> None:
    roster = Roster(LeaseKeeper(sqlite_database, clock, lease=timedelta(seconds=30)))
    for number in range(ENDS):
        roster.ended_well(cast("Finished", number))
    taken: list[Finished] = []
    start = threading.Barrier(TAKERS)

    def take() -> None:
        start.wait(10)
        taken.extend(roster.take_ended())

    threads = [threading.Thread(target=take) for _ in range(TAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(cast("list[int]", taken)) == list(range(ENDS))
