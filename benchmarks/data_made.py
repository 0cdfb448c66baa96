"""What the measurements of candles share: made-up bars, a desk's candles, a line of the table."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from munshi.clock import IST, SystemClock
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.market.candles import IMPORTED, CandleService
from munshi.settings import BrokerMode

DAY_MINUTES, FIRST = 375, datetime(2021, 1, 1, 9, 15, tzinfo=IST)
MARCH = datetime(2022, 3, 1, tzinfo=IST), datetime(2022, 4, 1, tzinfo=IST)
EVER = FIRST, datetime(2030, 1, 1, tzinfo=IST)
SEED = 20261126


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `aim` is in the figure's own unit, and empty where there is none."""

    what: str
    figure: float
    unit: str
    aim: str = ""
    is_met: bool = True


def made_up(rows: int, *, seed: int = SEED) -> pl.DataFrame:
    """Minutes of weekdays that walk in steps of five paise, as an index does."""
    stamps: list[datetime] = []
    day = FIRST
    while len(stamps) < rows:
        if day.weekday() < 5:
            stamps += [day + timedelta(minutes=n) for n in range(DAY_MINUTES)]
        day += timedelta(days=1)
    steps = pl.Series("open", range(-40, 41)).sample(rows, with_replacement=True, seed=seed)
    return (
        pl.DataFrame({"opens": stamps[:rows], "open": 217_000_000 + 500 * steps.cum_sum()})
        .select(
            pl.col("opens").dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")),
            "open",
            high=pl.col("open") + 500 * pl.int_range(pl.len()).mod(17),
            low=pl.col("open") - 500 * pl.int_range(pl.len()).mod(13),
            close=pl.col("open") + 500 * (pl.int_range(pl.len()).mod(7) - 3),
            volume=pl.int_range(pl.len()) * 7919 % 90_000,
            oi=pl.lit(None, pl.Int64),
        )
        .cast(CANDLE_SCHEMA)
    )


def key_of(instrument: str) -> CandleKey:
    return CandleKey(
        mode=BrokerMode.LIVE,
        source=IMPORTED,
        exchange="NSE",
        instrument=instrument,
        interval=Interval.ONE_MINUTE,
    )


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@contextmanager
def opened(folder: Path) -> Iterator[CandleService]:
    url = parse_database_url(f"sqlite:///{folder}/munshi.db", home=folder)
    with closing(Database(url)) as database:
        migrate.upgrade(database)
        store = CandleStore(folder)
        yield CandleService(database, SystemClock(), store=store, mode=BrokerMode.LIVE)
