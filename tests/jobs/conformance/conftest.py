"""The queue's own database, once for every way into it."""

from collections.abc import Iterator

import pytest

from clocks import FakeClock
from jobs.conformance.bench import Bench
from jobs.conformance.staff import Staff
from munshi.infrastructure.database.engine import Database
from munshi.jobs import keeper


@pytest.fixture(params=["driver", "core"])
def bench(request: pytest.FixtureRequest, database: Database, clock: FakeClock) -> Iterator[Bench]:
    """The driver's own SQL where there is any, and Core, by which SQL Server goes, everywhere."""
    if request.param == "driver" and database.dialect == "mssql":
        pytest.skip("SQL Server has the way through Core alone")
    opened = Bench(database, clock, request.param)
    yield opened
    for exchange in opened.opened:
        exchange.close()


@pytest.fixture
def staff(database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Staff]:
    """Its workers hear of things twenty times a second, and their leases outlast any test."""
    monkeypatch.setattr(keeper, "LONGEST_BEAT", 0.05)
    opened = Staff(database, clock)
    yield opened
    opened.close()


@pytest.fixture
def plain_bench(database: Database, clock: FakeClock) -> Iterator[Bench]:
    """For what is the same whichever way workers get in; claims go the shorter one."""
    opened = Bench(database, clock, "driver")
    yield opened
    for exchange in opened.opened:
        exchange.close()
