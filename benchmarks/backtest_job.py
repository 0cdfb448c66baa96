"""The memory of a `backtest` job over stored minutes, as the worker's child process runs it.

What is told is the child's peak of resident memory (VmHWM), with reading the candle files, running,
figures, hash, both files that a run keeps and the rows of its trades. Linux only.
"""

import argparse
import re
import resource
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from research_desk import open_desk

from munshi.backtest.own_strategies import FOLDER
from munshi.backtest.strategy_example import write_example
from munshi.bootstrap import Services
from munshi.domain.audit import Actor
from munshi.domain.jobs import BACKTEST, Job
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA, CandleFrame

FIRST, LAST = date(2021, 1, 1), date(2026, 10, 30)
BARS = 500_000
STRATEGIES: Mapping[str, Mapping[str, object]] = {
    "ma_cross": {"fast": 20, "slow": 50},
    "opening_range": {},
    # One of a user's own, which is first looked at for peeking.
    "rises.py": {"rises": 8},
}
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=BARS)
    parser.add_argument("--strategy", choices=STRATEGIES, action="append")
    given = parser.parse_args()
    for strategy in given.strategy or STRATEGIES:
        show_job(strategy, given.bars)


def show_job(strategy: str, count: int) -> None:
    with open_desk() as services:
        bars = minutes(count)
        key = CandleKey(
            mode=services.settings.brokers,
            source="import",
            exchange="NSE",
            instrument="NIFTY 50",
            interval=Interval.ONE_MINUTE,
        )
        services.candles.save(key, bars, label="made up")
        (services.settings.home / FOLDER).mkdir()
        write_example(services.settings.home / FOLDER, "rises")
        job, cpu, peak = run(
            services,
            {
                "strategy": strategy,
                "parameters": dict(STRATEGIES[strategy]),
                "instrument": "NIFTY",
                "interval": "1minute",
                "from": FIRST.isoformat(),
                "to": bars["opens"][-1].date().isoformat(),
                "kind": "futures",
                "lot_size": 1,
                "capital": 10**11,
                "accept_holes": True,
            },
        )
        assert job.result_data is not None
        metrics = job.result_data["metrics"]
        assert isinstance(metrics, dict)
        print(
            f"a job, {strategy:<14} {bars.height:>9,} bars {metrics['trades']:>7,} trades "
            f"{cpu:6.1f} s of CPU {peak:6,} MB at most; {job.result_data['result_hash']}"
        )


def minutes(count: int) -> CandleFrame:
    """So many of the market's minutes from `FIRST` on, walking in steps of up to 20 rupees."""
    calendar = MarketCalendar.packaged()
    stamps = [
        at
        for day in calendar.trading_days(FIRST, LAST)
        for at in calendar.bar_opens(day, Interval.ONE_MINUTE, Segment.CASH)
    ][:count]
    assert len(stamps) == count, len(stamps)
    steps = np.random.default_rng(1).integers(-2000, 2001, size=count)
    close = 23_000_000 + np.cumsum(steps)
    opened = close - steps
    prices = {
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
    }
    return pl.DataFrame(
        {
            "opens": stamps,
            **{name: pl.Series(paise * 100) for name, paise in prices.items()},
            "volume": np.ones(count, np.int64),
            "oi": pl.Series([None] * count, dtype=pl.Int64),
        },
        schema_overrides=CANDLE_SCHEMA,
    )


def run(services: Services, told: dict[str, object]) -> tuple[Job, float, int]:
    """The job as it ended, its child's seconds of CPU, and the most megabytes that it held."""
    before = cpu_seconds()
    job = services.jobs.enqueue(BACKTEST, told, actor=Actor(user_id="benchmark"))
    worker = services.worker()
    worker.start()
    try:
        while not services.jobs.get(job.job_id).state.is_final:
            services.clock.sleep(0.2)
        peak = max(map(peak_megabytes, children()), default=0)
    finally:
        worker.stop()
    done = services.jobs.get(job.job_id)
    assert done.result_data is not None, done.error_details
    return done, cpu_seconds() - before, peak


def children() -> list[Path]:
    """The `/proc` folders of this process's children."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [Path("/proc") / pid for each in tasks for pid in each.read_text().split()]


def peak_megabytes(process: Path) -> int:
    """The most resident memory that it ever held; its pages of files count, shared or not."""
    found = _PEAK.search((process / "status").read_text())
    return 0 if found is None else int(found.group(1)) // 1024


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
