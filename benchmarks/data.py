"""What storing and reading candles costs: files and JSON in, frames in, a range out.

Beside bare Polars on the same files, a feather file of the whole series, and PostgreSQL. CPU
seconds of this process, all threads, and of the server: the median of rounds in which all take
turns.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date
from functools import partial
from pathlib import Path

import polars as pl
from data_made import EVER, MARCH, SEED, Row, cpu, key_of, made_up, opened
from data_memory import growth
from data_plan import planning
from data_postgres import postgres_month
from data_wire import BREEZE_ROWS, KITE_ROWS, breeze_work, kite_work

from munshi.market.candle_import import read_candle_file

ROWS, TEN_MILLION = 390_000, 10_000_000
LABEL = "made up"
DATED = pl.col("opens").dt.convert_time_zone("Asia/Kolkata").dt.strftime("%Y-%m-%d %H:%M")
PER_SECOND, TIMES = "rows/s of CPU", "times"
# A month takes milliseconds, so each round reads it so often.
MONTHS = 20
# Lengths of range whose walks are compared: a month, and four years.
SHORT, LONG = (date(2021, 1, 1), date(2021, 1, 31)), (date(2021, 1, 1), date(2024, 12, 31))
# What an allocator gives and takes.
FLAT_MIB = 8.0


def measure(folder: Path, *, rounds: int) -> list[Row]:
    frame = made_up(ROWS)
    csv, feather = _files(folder, frame)
    ends = tuple(end.astimezone(UTC) for end in MARCH)
    took: dict[str, list[float]] = defaultdict(list)
    with opened(folder) as candles, postgres_month(folder / "ground", frame) as postgres:
        key = key_of("MADE")
        candles.save(key_of("FIRST"), frame.head(1), label=LABEL)
        save = cpu(lambda: candles.save(key, frame, label=LABEL))
        files = sorted(path for path in folder.rglob("*.parquet") if "/MADE/" in path.as_posix())
        [march] = [path for path in files if path.name.startswith("202203")]

        def bare(paths: list[Path]) -> pl.DataFrame:
            return pl.scan_parquet(paths).sort("opens").collect()

        def from_feather() -> pl.DataFrame:
            read = pl.read_ipc(feather)
            return read.filter(pl.col("opens").is_between(*ends, closed="left"))

        contenders: dict[str, Callable[[], object]] = {
            "csv": lambda: read_candle_file(csv),
            "kite": kite_work(frame),
            "breeze": breeze_work(frame),
            "range": lambda: candles.read(key, start=EVER[0], end=EVER[1]),
            "bare range": lambda: bare(files),
            "month": lambda: candles.read(key, start=MARCH[0], end=MARCH[1]),
            "bare month": lambda: bare([march]),
            "feather": from_feather,
        }
        for _ in range(rounds):
            for name, work in contenders.items():
                times = MONTHS if name.endswith("month") else 1
                took[name].append(sum(cpu(work) for _ in range(times)) / times)
            took["postgres"].append(postgres())
    s = {name: statistics.median(times) for name, times in took.items()}
    size = sum(path.stat().st_size for path in files) / ROWS
    planned = max(planning(folder, rounds=rounds))
    return [
        _at_least("a CSV file read", ROWS / s["csv"], 1e6, unit=PER_SECOND),
        _at_least("a frame saved", ROWS / save, 1e6, unit=PER_SECOND),
        _at_least("Kite's JSON read", KITE_ROWS / s["kite"], 1e5, unit=PER_SECOND),
        _at_least("Breeze's JSON read", BREEZE_ROWS / s["breeze"], 1e5, unit=PER_SECOND),
        _at_most("the whole range read, of bare Polars", s["range"] / s["bare range"], 1.3),
        _at_most("a month read, of bare Polars", s["month"] / s["bare month"], 1.3),
        _at_least("the feather file for a month, of ours", s["feather"] / s["month"], 4),
        _at_least("PostgreSQL for a month, of ours", s["postgres"] / s["month"], 4),
        _at_most("a year of 200 shares planned", planned, 2, unit="s of CPU"),
        _at_most("a row stored", size, 20, unit="bytes"),
        *_memory(folder),
    ]


def _files(folder: Path, frame: pl.DataFrame) -> tuple[Path, Path]:
    csv, feather = folder / "made.csv", folder / "made.feather"
    named = frame.with_columns(pl.col("open", "high", "low", "close") / 10_000)
    named.select(DATED.alias("datetime"), "open", "high", "low", "close", "volume").write_csv(csv)
    frame.write_ipc(feather, compression="zstd")
    return csv, feather


def _memory(folder: Path) -> list[Row]:
    short, long = growth(folder, *SHORT), growth(folder, *LONG)
    return [
        Row(what="memory of a walk over a month", figure=short, unit="MiB"),
        _at_most("memory of a walk over four years", long, short + FLAT_MIB, unit="MiB"),
    ]


def measure_ten_million(folder: Path) -> list[Row]:
    """As many rows, of so many instruments as it takes."""
    spent, rows = 0.0, 0
    with opened(folder) as candles:
        while rows < TEN_MILLION:
            frame, key = made_up(ROWS, seed=SEED + rows), key_of(f"MADE{rows}")
            spent += cpu(partial(candles.save, key, frame, label=LABEL))
            rows += ROWS
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / rows
    return [
        _at_least(f"a frame saved, of {rows:,} rows", rows / spent, 1e6, unit=PER_SECOND),
        _at_most(f"a row stored, of {rows:,}", size, 20, unit="bytes"),
    ]


def _at_least(what: str, figure: float, aim: float, *, unit: str = TIMES) -> Row:
    return Row(what=what, figure=figure, unit=unit, aim=f">= {aim:,.0f}", is_met=figure >= aim)


def _at_most(what: str, figure: float, aim: float, *, unit: str = TIMES) -> Row:
    return Row(what=what, figure=figure, unit=unit, aim=f"<= {aim:,.1f}", is_met=figure <= aim)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--ten-million", action="store_true", help="store ten million rows, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="munshi-data-", ignore_cleanup_errors=True) as name:
        rows = measure(Path(name), rounds=1 if asked.quick else 5)
    if asked.ten_million:
        with tempfile.TemporaryDirectory(prefix="munshi-data-", ignore_cleanup_errors=True) as name:
            rows += measure_ten_million(Path(name))
    if asked.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print("| what | figure | unit | aim | met |\n|---|---|---|---|---|")
        for row in rows:
            met = ("yes" if row.is_met else "no") if row.aim else ""
            print(f"| {row.what} | {row.figure:,.2f} | {row.unit} | {row.aim} | {met} |")
        print(f"\nload {os.getloadavg()[0]:.1f}")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
