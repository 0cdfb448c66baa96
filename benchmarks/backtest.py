"""A moving-average cross by the plain kernel, the compiled one, vectorbt and backtesting.py.

CPU seconds of one run over the same made-up bars, side by side; the peers come with
`make bench-envs`. A compiled run that has figures and a hash, as a sweep's trial has, stands in
a row of its own. Then the peak of resident memory (VmHWM, Linux only) at 500,000 bars, of processes
that import no other engine: the compiled run over arrays, and jobs (`backtest_job.py`).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np

from munshi.backtest.compiled_kernel import Columns, CompiledRuns, CompiledTrials
from munshi.domain.backtest.engine import Order, Request
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import FillModel, Sizing
from munshi.domain.backtest.strategies import MovingAverageCross
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind

HERE = Path(__file__).parent
PEERS = HERE.parent / ".bench" / "backtest" / "bin" / "python"
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
SPAN = timedelta(minutes=5)
FAST, SLOW = 20, 50
MEMORY_BARS = 500_000
PRICES = ("open", "high", "low", "close")
Made = TypeVar("Made")
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--memory", action="store_true", help="only that")
    parser.add_argument("--hold", choices=("imports", "run", "figures"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--compiled", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.hold:
        hold(given.hold, given.folder, given.folder / given.compiled)
        return
    with tempfile.TemporaryDirectory() as folder:
        if not given.memory:
            show_times(Path(folder), given.bars)
        show_memory(Path(folder))
    subprocess.run([sys.executable, HERE / "backtest_job.py"], check=True)


def show_times(folder: Path, count: int) -> None:
    prices = made_prices(count)
    bars = [
        Candle(opens=FIRST + SPAN * n, open=o * 100, high=h * 100, low=low * 100, close=c * 100,
               volume=1)
        for n, (o, h, low, c) in enumerate(prices.tolist())
    ]  # fmt: skip
    request = request_of(bars)
    print(f"{count:,} bars, numba {version('numba')}, load {os.getloadavg()[0]:.1f}")
    cross = MovingAverageCross(fast=FAST, slow=SLOW)
    plain, seconds = timed(lambda: Kernel().run(request, cross, progress=lambda _: None))
    show("plain kernel", count, seconds, len(plain.trades), seconds)
    runs = CompiledRuns(CompiledTrials(folder), request, Columns.of(request))
    first, cold = timed(lambda: runs.run(cross))
    assert first is not None
    assert runs.digest(first) == plain.digest()
    show("compiled, cold (compiles)", count, cold, len(first.trades), seconds)
    warm = min(timed(lambda: runs.run(cross))[1] for _ in range(20))
    show("compiled, warm", count, warm, len(first.trades), seconds)
    whole = min(timed(lambda: runs.figures(first))[1] for _ in range(5)) + warm
    show("compiled, warm, figures and hash", count, whole, len(first.trades), seconds)
    np.save(folder / "prices.npy", prices)
    for peer in ("vectorbt", "backtesting") if PEERS.exists() else ():
        script = [HERE / "contenders" / "backtest_peers.py", peer, folder / "prices.npy"]
        done = subprocess.run(
            [PEERS, *script, str(FAST), str(SLOW)], capture_output=True, text=True, check=True
        )
        told = json.loads(done.stdout.splitlines()[-1])
        show(f"{peer} {told['version']}, warm", count, told["warm"], told["trades"], seconds)
        print(f"{'':<34} the compiled kernel is {told['warm'] / warm:,.0f} times quicker")


def show(name: str, bars: int, seconds: float, trades: int, plain: float) -> None:
    rate = f"{bars / seconds:>14,.0f} bars/s"
    print(f"{name:<34} {seconds:9.5f} s {rate} {trades:>7,} trades {plain / seconds:8.1f}")


def show_memory(folder: Path) -> None:
    """Each in a process of its own: imports alone, the run, and its figures and hash, too."""
    prices = made_prices(MEMORY_BARS) * 100
    for name, column in zip(PRICES, prices.T, strict=True):
        np.save(folder / f"{name}.npy", np.ascontiguousarray(column))
    for asked, compiled in (("imports", ""), ("run", "1"), ("figures", "2"), ("figures", "2")):
        told = ["--hold", asked, "--folder", folder, "--compiled", compiled]
        done = subprocess.run(
            [sys.executable, __file__, *told],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        print(f"{MEMORY_BARS:,} bars, {done.stdout.strip()}")


def hold(asked: str, folder: Path, compiled: Path) -> None:
    first = "" if compiled.exists() else ", compiling included"
    trades = ""
    if asked != "imports":
        stamps = np.arange(MEMORY_BARS) * 300_000_000 + int(FIRST.timestamp()) * 1_000_000
        closes = stamps + 300_000_000
        o, h, low, c = (np.load(folder / f"{name}.npy") for name in PRICES)
        last = Candle(
            opens=FIRST + SPAN * (MEMORY_BARS - 1), open=int(o[-1]), high=int(h[-1]),
            low=int(low[-1]), close=int(c[-1]), volume=1,
        )  # fmt: skip
        columns = Columns(
            opens=stamps, closes=closes, traded_at_open=stamps, traded_at_close=closes,
            open=o, high=h, low=low, close=c,
        )  # fmt: skip
        runs = CompiledRuns(CompiledTrials(compiled), request_of([last]), columns)
        done = runs.run(MovingAverageCross(fast=FAST, slow=SLOW))
        assert done is not None
        trades = f"{len(done.trades):,} trades, "
        if asked == "figures":
            runs.figures(done)
    peak = peak_megabytes(Path("/proc/self"))
    print(f"{asked:<8} {trades}{peak} MB at most{first if trades else ''}")


def peak_megabytes(process: Path) -> int:
    """The most resident memory that it ever held; pages of files that it mapped count, too."""
    found = PEAK.search((process / "status").read_text())
    return 0 if found is None else int(found.group(1)) // 1024


def request_of(bars: list[Candle]) -> Request:
    return Request(
        bars=bars,
        span=SPAN,
        order=Order(instrument="NFO:X", exchange="NSE", kind=ChargeKind.FUTURES, brokerage=2000),
        sizing=Sizing(capital=10**11, lots=1, lot_size=1),
        fill_model=FillModel.NEXT_OPEN,
    )


def made_prices(count: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Open, high, low and close in paise."""
    steps = np.random.default_rng(1).integers(-2000, 2001, size=count)
    close = 23_000_000 + np.cumsum(steps)
    opened = close - steps
    return np.stack([opened, np.maximum(opened, close), np.minimum(opened, close), close], axis=1)


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    began = time.process_time()
    made = work()
    return made, time.process_time() - began


if __name__ == "__main__":
    main()
