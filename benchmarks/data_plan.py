"""What planning a year of minutes of two hundred shares costs, with what is held read as well."""

import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from clocks import FakeClock
from munshi.bootstrap import Services, open_services
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candle_files import CandleKey, WrittenFile
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.infrastructure.brokers.simulator.universe import TICK
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.database.url import parse_database_url
from munshi.settings import BrokerMode, load_settings
from stored_lists import store

SHARES = 200
FIRST, LAST = date(2025, 11, 20), date(2026, 11, 19)
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
BARS_A_DAY, HOLE_PERCENT = 375, 5
_MODE = BrokerMode.LIVE


def planning(folder: Path, *, rounds: int) -> list[float]:
    """CPU seconds of each round, in a desk that holds all but some days of every share.

    The first round of a process also loads the calendar and fills the desk's cache.
    """
    url = f"sqlite:///{folder}/planned.db"
    database = Database(parse_database_url(url, home=folder))
    migrate.upgrade(database)
    with database.transaction() as tx:
        store(tx, Service.KITE, "NSE", [_share(n) for n in range(SHARES)], mode=_MODE, now=NOW)
    with database.transaction() as tx:
        _hold(tx, folder)
    database.close()
    settings = load_settings(
        _env_file=None,
        home=folder,
        database_url=url,
        env_file=folder / ".env",
        brokers=_MODE,
        key_source="file",
    )
    params = CollectionParams(
        broker=Service.KITE,
        instruments=tuple(f"NSE:S{n:03}" for n in range(SHARES)),
        interval=Interval.ONE_MINUTE,
        start=FIRST,
        end=LAST,
    )
    # A desk of its own each round, so that no round finds what another has cached in the process.
    return [_measured(settings, params) for _ in range(rounds)]


def _measured(settings: object, params: CollectionParams) -> float:
    with open_services(settings, clock=FakeClock(NOW)) as services:  # type: ignore[arg-type]
        began = time.process_time()
        planned = services.collection.plan(params)
        took = time.process_time() - began
        _check(services, planned["requests"])
    return took


def _check(services: Services, requests: int) -> None:
    """Holes in every month ask for as many requests as a year without anything held."""
    if not SHARES <= requests <= 7 * SHARES:
        raise AssertionError(f"{requests} requests planned on {services.settings.home}")


def _share(number: int) -> Instrument:
    return Instrument(
        exchange="NSE",
        tradingsymbol=f"S{number:03}",
        name=f"SHARE {number}",
        kind=InstrumentKind.EQUITY,
        segment=Segment.CASH,
        lot_size=1,
        tick_size=TICK,
        kite_token=number * 256 + 1,
    )


def _hold(tx: Transaction, folder: Path) -> None:
    """A row of the manifest for each share and month, all naming one file that is there."""
    chance = random.Random(20261126)  # noqa: S311 - the same holes each time
    (folder / "held.parquet").write_bytes(b"held")
    days = MarketCalendar.packaged().trading_days(FIRST, LAST)
    months = sorted({f"{day:%Y%m}" for day in days})
    for number in range(SHARES):
        key = CandleKey(mode=_MODE, source="kite", exchange="NSE", instrument=f"S{number:03}",
                        interval=Interval.ONE_MINUTE)  # fmt: skip
        for month in months:
            bars = {
                day: BARS_A_DAY
                for day in days
                if f"{day:%Y%m}" == month and chance.randrange(100) >= HOLE_PERCENT
            }
            written = WrittenFile(path="held.parquet", sha256="0" * 64, rows=sum(bars.values()),
                                  first_open=NOW, last_open=NOW + timedelta(minutes=1),
                                  bytes=len(b"held"))  # fmt: skip
            tx.candles.save_file(
                key, month, written, label="made up", replaces=None, now=NOW, day_bars=bars
            )
