"""What storing and reading candles costs: CSV in, frames in, a range out beside bare Polars.

CPU seconds of this process, all threads: the median of rounds in which all take turns.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from data_plan import planning

from munshi.clock import IST, SystemClock
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.market.candle_import import read_candle_file
from munshi.market.candles import IMPORTED, CandleService
from munshi.settings import BrokerMode

DAY_MINUTES, FIRST = 375, datetime(2021, 1, 1, 9, 15, tzinfo=IST)
LABEL = "made up"
MOST_BYTES_A_ROW, LEAST_ROWS_A_SECOND, MOST_TIMES_BARE, LEAST_TIMES_FEATHER = 20, 1e6, 1.3, 4
MOST_SECONDS_PLANNED = 2.0
DATED = pl.col("opens").dt.convert_time_zone("Asia/Kolkata").dt.strftime("%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `aim` is in the figure's own unit."""

    what: str
    figure: float
    unit: str
    aim: str
    is_met: bool


def made_up(rows: int) -> pl.DataFrame:
    """Minutes of weekdays that walk in steps of five paise, as an index does."""
    chance = random.Random(20261126)  # noqa: S311 - the same prices each time
    stamps: list[datetime] = []
    day = FIRST
    while len(stamps) < rows:
        if day.weekday() < 5:
            stamps += [day + timedelta(minutes=n) for n in range(DAY_MINUTES)]
        day += timedelta(days=1)
    prices, price = [], 217_000_000
    for _ in range(rows):
        price += 500 * chance.randint(-40, 40)
        prices.append(price)
    return (
        pl.DataFrame({"opens": stamps[:rows], "open": prices})
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


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@contextmanager
def opened(folder: Path) -> Iterator[tuple[CandleService, CandleStore]]:
    url = parse_database_url(f"sqlite:///{folder}/munshi.db", home=folder)
    with closing(Database(url)) as database:
        migrate.upgrade(database)
        store = CandleStore(folder)
        yield CandleService(database, SystemClock(), store=store, mode=BrokerMode.LIVE), store


def measure(folder: Path, *, rows: int, rounds: int) -> list[Row]:
    frame = made_up(rows)
    csv, feather = folder / "made.csv", folder / "made.feather"
    named = frame.with_columns(pl.col("open", "high", "low", "close") / 10_000)
    named.select(DATED.alias("datetime"), "open", "high", "low", "close", "volume").write_csv(csv)
    frame.write_ipc(feather, compression="zstd")
    key = CandleKey(mode=BrokerMode.LIVE, source=IMPORTED, exchange="NSE", instrument="MADE",
                    interval=Interval.ONE_MINUTE)  # fmt: skip
    month = datetime(2022, 3, 1, tzinfo=IST), datetime(2022, 4, 1, tzinfo=IST)
    ends = tuple(end.astimezone(UTC) for end in month)
    whole = FIRST, datetime(2030, 1, 1, tzinfo=IST)
    took: dict[str, list[float]] = defaultdict(list)
    with opened(folder) as (candles, _):
        save = cpu(lambda: candles.save(key, frame, label=LABEL))
        files = sorted(folder.rglob("*.parquet"))
        [march] = [path for path in files if path.name.startswith("202203")]

        def bare(paths: list[Path]) -> pl.DataFrame:
            return pl.scan_parquet(paths).sort("opens").collect()

        def from_feather() -> pl.DataFrame:
            read = pl.read_ipc(feather)
            return read.filter(pl.col("opens").is_between(ends[0], ends[1], closed="left"))

        contenders: dict[str, Callable[[], object]] = {
            "csv": lambda: read_candle_file(csv),
            "range": lambda: candles.read(key, start=whole[0], end=whole[1]),
            "bare range": lambda: bare(files),
            "month": lambda: candles.read(key, start=month[0], end=month[1]),
            "bare month": lambda: bare([march]),
            "feather": from_feather,
        }
        for _ in range(rounds):
            for name, work in contenders.items():
                took[name].append(cpu(work))
    s = {name: statistics.median(times) for name, times in took.items()}
    size = sum(path.stat().st_size for path in files) / rows
    planned = max(planning(folder, rounds=rounds))
    ratios = {"range": s["range"] / s["bare range"], "month": s["month"] / s["bare month"]}
    saved, read, better = rows / save, rows / s["csv"], s["feather"] / s["month"]
    per_second, times = "rows/s of CPU", "times"
    return [
        Row(what="a CSV file read", figure=read, unit=per_second, aim=">= 1,000,000",
            is_met=read >= LEAST_ROWS_A_SECOND),
        Row(what="a frame saved", figure=saved, unit=per_second, aim=">= 1,000,000",
            is_met=saved >= LEAST_ROWS_A_SECOND),
        *(Row(what=f"a {name} read, of bare Polars", figure=ratio, unit=times, aim="<= 1.3",
              is_met=ratio <= MOST_TIMES_BARE) for name, ratio in ratios.items()),
        Row(what="the feather file for a month, of ours", figure=better, unit=times, aim=">= 4",
            is_met=better >= LEAST_TIMES_FEATHER),
        Row(what="a year of 200 shares planned", figure=planned, unit="s of CPU", aim="< 2",
            is_met=planned < MOST_SECONDS_PLANNED),
        Row(what="a row stored", figure=size, unit="bytes", aim="< 20",
            is_met=size < MOST_BYTES_A_ROW),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="munshi-data-", ignore_cleanup_errors=True) as name:
        rows = measure(Path(name), rows=390_000, rounds=1 if asked.quick else 5)
    if asked.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print("| what | figure | unit | aim | met |\n|---|---|---|---|---|")
        for row in rows:
            met = "yes" if row.is_met else "no"
            print(f"| {row.what} | {row.figure:,.2f} | {row.unit} | {row.aim} | {met} |")
        print(f"\nload {os.getloadavg()[0]:.1f}")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
