"""What loading a broker's lists costs: the first day, the same again, a usual day, an expiry.

CPU of this process and of the server, and wall time, from the downloaded text to the commit. Made
lists of about 100,000 rows.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from jobs_ground import Ground, grounds
from sqlalchemy import event

from clocks import FakeClock
from munshi.cache.cache import Cache
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.infrastructure.brokers.kite.instruments import COLUMNS, read_instruments
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.market.instrument_history import InstrumentHistory
from munshi.market.master_load import MasterLoad
from munshi.settings import BrokerMode

FIRST = date(2026, 11, 2)
SHARES, ROOTS, EXPIRIES, STRIKES = 9_000, 200, 4, 56
ACTOR = Actor(user_id="benchmark")


def dumps(day: date) -> dict[str, str]:
    """Kite's text of one day by exchange; each week one expiry ends and another begins."""
    head = ",".join(COLUMNS)
    shares = [
        f"{number * 256 + 257},{number + 1},S{number:05},COMPANY {number},0.0,,0,0.05,1,EQ,NSE,NSE"
        for number in range(SHARES)
    ]
    contracts = []
    week = (day - FIRST).days // 7
    for place in range(week, week + EXPIRIES):
        expiry = FIRST + timedelta(days=7 * place + 6)
        for root in range(ROOTS):
            for number in range(STRIKES):
                for kind in ("CE", "PE"):
                    # A token comes again once its contract has expired.
                    token = (
                        ((place % (EXPIRIES + 1)) * ROOTS + root) * STRIKES * 2
                        + number * 2
                        + (kind == "PE")
                    )
                    strike = 1000 + 50 * number
                    contracts.append(
                        f"{token * 256 + 2},{token},R{root:03}{expiry:%y%m%d}{strike}{kind},"
                        f"R{root:03},0.0,{expiry},{strike},0.05,50,{kind},NFO-OPT,NFO"
                    )
    return {
        "NSE": "\n".join([head, *shares]),
        "NFO": "\n".join([head, *contracts]),
        "BSE": head,
        "BFO": head,
    }


def read(texts: dict[str, str]) -> dict[str, list[Instrument]]:
    return {name: list(read_instruments(text, exchange=name)) for name, text in texts.items()}


@contextmanager
def measured(what: str, ground: Ground) -> Iterator[None]:
    server, cpu, wall = ground.server_cpu(), time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    server = ground.server_cpu() - server
    print(f"  {what:<42}{cpu:>7.2f} s CPU {server:>7.2f} s server {wall:>7.2f} s wall")


def _note_begin(began: list[float], *said: object) -> None:
    if str(said[2]).startswith('INSERT INTO "InstrumentLists"'):
        began[:] = [time.perf_counter()]


def _since(began: float) -> float:
    return time.perf_counter() - began


def measure(ground: Ground) -> None:
    database = Database(parse_database_url(ground.template("masters"), home=Path()))
    migrate.upgrade(database)
    clock = FakeClock(datetime(2026, 11, 2, 4, 0, tzinfo=UTC))
    texts = dumps(FIRST)
    load = MasterLoad(
        database,
        clock,
        mode=BrokerMode.SIMULATED,
        config=ConfigService(database, clock),
        download=lambda _: read(texts),
        cache=Cache(database, clock),
    )

    began: list[float] = []
    written: list[float] = []
    # The write begins with the row of the list, and ends with the commit.
    event.listen(database.engine, "before_cursor_execute", partial(_note_begin, began))
    event.listen(database.engine, "commit", lambda _: began and written.append(_since(began.pop())))

    def loaded(what: str) -> None:
        with measured(what, ground):
            counts = load.load(Service.KITE, actor=ACTOR)
        changed = sum(found["begun"] + found["ended"] for found in counts.values())
        print(f"{'':<4}{changed:,} rows written in a transaction of {written[-1]:.2f} s")

    loaded("first day")
    loaded("the same again")
    clock.advance(timedelta(days=1))
    texts = dumps(FIRST + timedelta(days=1))
    texts["NSE"] = texts["NSE"].replace("COMPANY 77,", "ANOTHER NAME,")
    loaded("a usual day: one name")
    clock.advance(timedelta(days=6))
    texts = dumps(FIRST + timedelta(days=7))
    loaded("the day after a weekly expiry")
    history = InstrumentHistory(database, mode=BrokerMode.SIMULATED)
    day = FIRST + timedelta(days=2)
    asked: dict[str, Callable[[], object]] = {
        "contracts_on": lambda: history.contracts_on(day, "R010"),
        "of_token": lambda: history.of_token(Service.KITE, "258", day=day, exchange="NFO"),
        "unmapped, 100": history.unmapped,
    }
    for what, ask in asked.items():
        with measured(f"{what}, 20 times", ground):
            for _ in range(20):
                ask()
    database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    only = parser.parse_args().only
    names = frozenset({only} if only else {"SQLite", "PostgreSQL"})
    with tempfile.TemporaryDirectory() as folder, grounds(Path(folder), names) as found:
        for ground in found:
            print(ground.name, "-", ground.settings)
            measure(ground)
