"""The queue's own database, once for every way into it."""

from collections.abc import Iterator

import pytest

from clocks import FakeClock
from jobs.conformance.bench import Bench
from munshi.infrastructure.database.engine import Database


@pytest.fixture(params=["driver", "core"])
def bench(request: pytest.FixtureRequest, database: Database, clock: FakeClock) -> Iterator[Bench]:
    """The driver's own SQL where there is any, and Core, by which SQL Server goes, everywhere."""
    if request.param == "driver" and database.dialect == "mssql":
        pytest.skip("SQL Server has the way through Core alone")
    opened = Bench(database, clock, request.param)
    yield opened
    for exchange in opened.opened:
        exchange.close()
