"""What option backtests cost: a year of weekly selling with a hedge as a job, and a sweep of it.

The same year is run again in nautilus_trader, where it is installed: as a job that has to import
it, and the engine alone over prices that are at hand, beside ours.

CPU of the children that do it, reading bars and contracts and keeping results included. Prices are
made up: a random walk of five-minute bars, and options worth their intrinsic and some time value.
"""

import os
import resource
import sys
import time
from collections.abc import Mapping
from datetime import date, timedelta
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from math import prod
from pathlib import Path
from random import Random
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from research_desk import open_desk

from made_options import (
    CALENDAR,
    WalkedTracks,
    flat_bars,
    maker,
    opens_of,
    option_request,
    run_options,
)
from munshi.bootstrap import Services
from munshi.domain.audit import Actor
from munshi.domain.backtest.options.engine import OptionsEngine
from munshi.domain.backtest.options.market import OptionMarket
from munshi.domain.jobs import BACKTEST, BACKTEST_SWEEP, Job
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
JOB_AIM, SWEEP_AIM = 5, 60
SIGNALS: Mapping[str, list[object]] = {
    "trigger": ["once", "edge", "repeat"],
    "zone_touch_bypass": [False, True],
    "upper_touch": ["week", "bar"],
    "four_hour": ["session", "clock", "hourly"],
}
TRIED: Mapping[str, list[object]] = {
    "hedge_distance": list(range(50, 701, 50)),
    "stop_basis": ["strike", "level"],
}
BASE = {
    "strategy": "weekly_option_selling",
    "instrument": "NIFTY",
    "interval": "5minute",
    "from": FIRST.isoformat(),
    "to": LAST.isoformat(),
}
_CHUNK = 252


def main() -> None:
    bars = walk()
    with open_desk() as services:
        contracts = store(services, bars)
        load = os.getloadavg()[0]
        print(f"{len(bars):,} bars of the index, {contracts:,} contracts, load {load:.1f}")
        job, cpu, wall = run(services, BACKTEST, BASE)
        assert job.result_data is not None
        shown = services.backtests.get(UUID(str(job.result_data["run_id"])))
        trades = shown.metrics["trades"]
        print(row("one run, a job", cpu, wall, JOB_AIM, f"{trades} trades"))
        if find_spec("nautilus_trader") is not None:
            told = {**BASE, "engine": "nautilus"}
            again, cpu, wall = run(services, BACKTEST, told)
            assert again.result_data is not None
            same = again.result_data["result_hash"] == job.result_data["result_hash"]
            print(row("in nautilus, a job", cpu, wall, None, f"same result: {same}"))
            engines(bars)
        grid = {**SIGNALS, **TRIED}
        asked = {"base": BASE, "grid": grid, "chunk": _CHUNK, "finalists": 1}
        job, cpu, wall = run(services, BACKTEST_SWEEP, asked)
        count = prod(len(values) for values in grid.values())
        print(row(f"sweep of {count:,} runs", cpu, wall, SWEEP_AIM, f"parts of {_CHUNK}"))


def engines(bars: list[Candle]) -> None:
    """Each engine alone, after a first run that reads the prices."""
    nautilus = import_module("munshi.backtest.nautilus_engine").NautilusEngine()
    for name, told in {
        "weekly_option_selling": {},
        "short_straddle": {"leg_stop_percent": 25},
    }.items():
        make, request = maker(name, **told), option_request(bars, WalkedTracks(bars))
        first = run_options(request, make())
        spent = []
        for engine in (OptionsEngine(), nautilus):
            began, cpu = time.perf_counter(), time.process_time()
            result = engine.run(request, make(), progress=lambda _: None)
            spent.append((time.process_time() - cpu, time.perf_counter() - began))
            assert result.digest() == first.digest(), engine.name
        for engine, (cpu, wall) in zip(("options", "nautilus"), spent, strict=True):
            count = f"{len(first.trades)} trades, the same in both"
            print(row(f"{name}, {engine}", cpu, wall, None, count))


def walk() -> list[Candle]:
    random, prices = Random(3), [2_200_000]  # noqa: S311 - the same walk each time
    opens = opens_of(FIRST, LAST)
    for _ in opens:
        prices.append(prices[-1] + random.randint(-1_200, 1_200))
    return flat_bars(opens, lambda number: prices[number])


def store(services: Services, bars: list[Candle]) -> int:
    """The index, and every contract that any trial sells or buys; how many those are."""
    save(services, "NSE", "NIFTY 50", bars)
    market = OptionMarket(
        underlying="NIFTY", exchange="NFO", calendar=CALENDAR, prices=WalkedTracks([])
    )
    wanted = set()
    for values in product(*SIGNALS.values()):
        told = dict(zip(SIGNALS, values, strict=True))
        make = maker("weekly_option_selling", hedge=False, stop=False, **told)  # type: ignore[arg-type]
        for trade in run_options(option_request(bars, WalkedTracks(bars)), make()).trades:
            name = trade.legs[0].instrument
            kind, strike = InstrumentKind(name[-2:]), int(name[-7:-2])
            out = -1 if kind is InstrumentKind.PUT else 1
            for distance in (0, *range(50, 701, 50)):
                assert trade.expiry is not None
                wanted.add((kind, strike + out * distance, trade.expiry))
    for kind, strike, expiry in sorted(wanted):
        name = market.contract(kind, strike, expiry).instrument
        since = expiry - timedelta(days=9)
        near = [bar for bar in bars if since <= bar.opens.date() <= expiry]
        track = WalkedTracks(near).track(name, expiry)
        made = [
            Candle(
                opens=bar.opens,
                open=opened * 100,
                high=high * 100,
                low=low * 100,
                close=closed * 100,
                volume=75,
            )
            for bar, opened, high, low, closed in zip(
                near, track.opens, track.highs, track.lows, track.closes, strict=True
            )
        ]
        save(services, "NFO", name.partition(":")[2], made)
    return len(wanted)


def save(services: Services, exchange: str, name: str, bars: list[Candle]) -> None:
    key = CandleKey(
        mode=services.settings.brokers,
        source="import",
        exchange=exchange,
        instrument=name,
        interval=Interval.FIVE_MINUTES,
    )
    services.candles.save(key, to_frame(bars), label="made up")


def run(services: Services, job_type: str, told: dict[str, object]) -> tuple[Job, float, float]:
    """The job as it ended, with the seconds of CPU of its children and those that passed."""
    before, began = cpu_seconds(), time.perf_counter()
    job = services.jobs.enqueue(job_type, told, actor=Actor(user_id="benchmark"))
    worker = services.worker()
    worker.start()
    try:
        while not services.jobs.get(job.job_id).state.is_final:
            services.clock.sleep(0.2)
    finally:
        worker.stop()
    done = services.jobs.get(job.job_id)
    assert done.result_data is not None, done.error_details
    return done, cpu_seconds() - before, time.perf_counter() - began


def row(name: str, cpu: float, wall: float, aim: float | None, more: str) -> str:
    wanted = "" if aim is None else f" (aim {aim})"
    return f"{name:<32} {cpu:6.2f} s of CPU{wanted}, {wall:6.2f} s; {more}"


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
