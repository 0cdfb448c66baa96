"""The compiled kernel against the plain one: the same hash and figures, or the same refusal."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreement.signals import Script, scenes
from made_candles import ist
from munshi.backtest.compiled_kernel import Columns, CompiledRuns, CompiledTrials
from munshi.backtest.compiled_loops import Book
from munshi.backtest.compiled_text import curve_point, longest_point
from munshi.backtest.trials import plain_trial, quickest_trials
from munshi.domain.backtest.engine import Order, Request, Strategy, Target
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.hours import ALWAYS, TradingHours
from munshi.domain.backtest.options.trials import TrialFigures
from munshi.domain.backtest.results import FillModel, Sizing
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind
from munshi.errors import AppError

# The day before and after the rates changed, and days of which the rates are not known, or are
# assumed.
FIRST_DAYS = ("2024-09-27", "2024-06-10", "2026-03-30", "1995-01-02", "2026-11-25")
LARGE = 2**60


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> CompiledTrials:
    return CompiledTrials(tmp_path_factory.mktemp("compiled"))


@st.composite
def bars(draw: st.DrawFn) -> list[Candle]:
    """Some days of bars in ten-thousandths of a rupee, with holes; a night is one, too."""
    at = ist(f"{draw(st.sampled_from(FIRST_DAYS))} 09:15")
    price = st.integers(2_000_000, 2_003_000) | st.integers(0, 400) | st.just(LARGE)
    level = draw(st.sampled_from(["usual"] * 8 + ["any"]))
    price = st.integers(2_000_000, 2_003_000) if level == "usual" else price
    made = []
    for hole in draw(st.lists(st.sampled_from([1, 1, 1, 2, 5, 1080]), min_size=1, max_size=60)):
        four = [draw(price) for _ in range(4)]
        made.append(
            Candle(opens=at, open=four[0], high=max(four), low=min(four), close=four[3], volume=1)
        )
        at += timedelta(minutes=hole)
    return made


@st.composite
def requests(draw: st.DrawFn) -> Request:
    made = draw(bars())
    close = timedelta(minutes=draw(st.integers(5, 40)))
    begins = sorted({bar.opens.replace(hour=9, minute=15) for bar in made})
    sessions = TradingHours((at, at + close) for at in begins)
    kinds = (ChargeKind.FUTURES, ChargeKind.INTRADAY, ChargeKind.DELIVERY)
    return Request(
        bars=made,
        hours=draw(st.sampled_from([ALWAYS, sessions])),
        max_wait=timedelta(minutes=draw(st.sampled_from([60, 60, 0, 2]))),
        span=timedelta(minutes=draw(st.sampled_from([1, 1, 3, 1440]))),
        order=Order(
            instrument=draw(st.sampled_from(["NSE:M&M", 'NFO:A"%d\u20b9'])),
            exchange=draw(st.sampled_from(["NSE", "BSE"])),
            kind=draw(st.sampled_from(kinds)),
            brokerage=draw(st.integers(0, 3000)),
            slippage_bp=draw(st.sampled_from([0, 1, 7, 12_000])),
            tick=draw(st.sampled_from([0, 5])),
        ),
        sizing=Sizing(
            capital=draw(st.sampled_from([10**9, 10**9, 1_505_000])),
            lots=draw(st.integers(1, 3)),
            lot_size=draw(st.sampled_from([1, 75])),
        ),
        fill_model=draw(st.sampled_from(FillModel)),
        margin_percent=draw(st.sampled_from([15, 100])),
    )


@st.composite
def makers(draw: st.DrawFn) -> Callable[[], Strategy]:
    kind = draw(st.sampled_from(["cross", "range", "own"]))
    if kind == "cross":
        fast, more = draw(st.integers(1, 5)), draw(st.integers(1, 9))
        long_only = draw(st.booleans())
        return lambda: MovingAverageCross(fast=fast, slow=fast + more, long_only=long_only)
    if kind == "range":
        count, minute = draw(st.integers(1, 6)), draw(st.integers(15, 59))
        return lambda: OpeningRangeBreakout(bars=count, exit_at=time(9, minute))
    # A list that is too short makes it fail.
    targets = draw(st.lists(st.sampled_from([*Target, None]), min_size=50, max_size=60))
    return lambda: Script(targets)


NO_NUMBA = """
import sys
from pathlib import Path
sys.modules["numba"] = None
from munshi.backtest.trials import quickest_trials
print(quickest_trials(Path("."), complain=print).name)
"""


def test_it_runs_itself_what_it_can_and_leaves_the_rest_to_the_plain_kernel(
    trials: CompiledTrials,
) -> None:
    [scene, *_] = scenes()
    usual = replace(scene.request(), sizing=Sizing(capital=10**9, lots=1, lot_size=1))
    poor = replace(usual, sizing=Sizing(capital=1, lots=1, lot_size=1))
    early = replace(
        usual, bars=[replace(bar, opens=bar.opens - timedelta(days=12_000)) for bar in usual.bars]
    )
    large = replace(usual, bars=[replace(usual.bars[0], open=LARGE, high=LARGE), *usual.bars[1:]])
    cross, own = MovingAverageCross(), Script(scene.targets)
    for request, strategy, is_done in (
        *((usual, each, True) for each in (cross, OpeningRangeBreakout(), own)),
        *((each, cross, False) for each in (poor, early, large)),
        (usual, Script(scene.targets[:99]), False),
    ):
        runs = CompiledRuns(trials, request, Columns.of(request))
        assert (runs.run(strategy) is not None) == is_done


def test_without_numba_or_a_place_to_keep_things_the_plain_kernel_does_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_NUMBA], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["kernel"]
    said: list[str] = []
    (tmp_path / "home").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert quickest_trials(tmp_path / "home", complain=said.append).name == "kernel"
    assert "The compiled kernel cannot be used" in said[0]


def told(run: Callable[[], TrialFigures]) -> TrialFigures | str:
    try:
        return run()
    except AppError as error:
        return f"{type(error).__name__}: {error.detail}"


@settings(max_examples=250)
@given(request=requests(), make=makers())
def test_it_comes_to_the_same_hash_and_figures_as_the_plain_kernel(
    trials: CompiledTrials, request: Request, make: Callable[[], Strategy]
) -> None:
    plain = told(lambda: plain_trial(request, make()))
    assert told(lambda: trials.prepare(request)(make)) == plain


LAST_MICRO = 253_402_300_799_999_999  # of the year 9999


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(-62_135_596_800_000_000, LAST_MICRO)
            | st.integers(-62_135_596_800, LAST_MICRO // 1_000_000).map(lambda n: n * 1_000_000),
            st.integers(-(2**62), 2**62),
            st.integers(-(2**62), 2**62),
        ),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_the_points_of_a_curve_are_written_as_the_plain_curve_tells_them(
    trials: CompiledTrials, rows: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    curve = EquityCurve()
    for row in rows:
        curve.append_row(*row)
    closes, cash, position = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    none = np.empty((0, 1), np.int64)
    book = Book(cash=cash, position=position, legs=none, trades=none)
    point, cut = curve_point(), data.draw(st.integers(0, len(rows)))
    out = np.empty(len(rows) * longest_point(point), np.uint8)
    written = b""
    for begin, stop in ((0, cut), (cut, len(rows))):
        size = trials.write_curve(point, closes, book, begin, stop, out)
        written += out[:size].tobytes()

    assert written.decode() == "".join(curve.texts())
