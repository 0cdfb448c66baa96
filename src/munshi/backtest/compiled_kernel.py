"""The kernel's rules over arrays, compiled by numba: the same results by hash, many times quicker.

What it cannot do as the plain kernel does (numbers beyond 64 bits, negative prices) or must
refuse goes to the plain kernel, so that there is one wording of each error.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numba
import numpy as np

from munshi.backtest.compiled_loops import (
    AFTER_LEG,
    BAR,
    DECIDED,
    END,
    FIRST_LEG,
    GST,
    IS_BUY,
    LEAVE,
    LEG_WIDTH,
    MARK,
    PRICE,
    QUOTED,
    RATE_WIDTH,
    SEBI,
    STAMP,
    STT,
    TRADE_WIDTH,
    TRANSACTION,
    Bars,
    Book,
    Ints,
    Rates,
    Rules,
    Targets,
    cross_targets,
    most_orders,
    range_targets,
    simulate,
    write_curve,
)
from munshi.backtest.compiled_text import ResultText, longest_point
from munshi.backtest.trials import plain_trial
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Request, Strategy, Target
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.kernel import VERSION
from munshi.domain.backtest.metrics import daily_returns, figures_of
from munshi.domain.backtest.options.trials import TrialFigures
from munshi.domain.backtest.results import BacktestResult, FillModel, TradeEnd
from munshi.domain.backtest.rules import assumptions_of, decision, price_way_out
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.candle_columns import CandleColumns
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.charges import ChargeKind, Charges, Side
from munshi.errors import AppError, MarketFactUnknownError

_UNITS_A_PAISA = PRICE_SCALE // 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
# All year and every year of which there are candles, as `infrastructure/candles/frames.py` has it.
_AHEAD_OF_UTC = timedelta(hours=5, minutes=30) // _MICRO
_DAY = timedelta(days=1) // _MICRO
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LARGEST = 2**62
_ENDS = (TradeEnd.CLOSED, TradeEnd.OPEN_AT_END, TradeEnd.UNPRICED)
_PART_BARS, _PART_TRADES = 8192, 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Bars as arrays: microseconds of UTC and of trading, and ten-thousandths of a rupee."""

    opens: Ints
    closes: Ints
    traded_at_open: Ints
    traded_at_close: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints

    @classmethod
    def of(cls, request: Request) -> "Columns":
        bars, hours = CandleColumns.of(request.bars), request.hours
        opens, first, high, low, last, *_ = (np.frombuffer(each, np.int64) for each in bars.columns)
        closes, traded_at_open, traded_at_close = (np.empty_like(opens) for _ in range(3))
        for number, (bar, at) in enumerate(
            zip(bars, hours.closes(bars, request.span), strict=True)
        ):
            closes[number] = (at - _EPOCH) // _MICRO
            traded_at_open[number] = hours.elapsed(bar.opens) // _MICRO
            traded_at_close[number] = hours.elapsed(at) // _MICRO
        return cls(
            opens=opens,
            closes=closes,
            traded_at_open=traded_at_open,
            traded_at_close=traded_at_close,
            open=first,
            high=high,
            low=low,
            close=last,
        )


class CompiledTrials:
    """Compiles when it is first needed, and keeps that in `folder` for the next process."""

    name = "compiled"

    def __init__(self, folder: Path) -> None:
        if not numba.config.CACHE_DIR:  # NUMBA_CACHE_DIR names another
            folder.mkdir(parents=True, exist_ok=True)
            numba.config.CACHE_DIR = str(folder)
        self.cross_targets = _compiled(cross_targets)
        self.range_targets = _compiled(range_targets)
        self.most_orders = _compiled(most_orders)
        self.simulate = _compiled(simulate)
        self.write_curve = _compiled(write_curve)

    def prepare(self, request: Request) -> Callable[[Callable[[], Strategy]], TrialFigures]:
        if not request.bars:
            return lambda make: plain_trial(request, make())
        runs = CompiledRuns(self, request, Columns.of(request))

        def run(make: Callable[[], Strategy]) -> TrialFigures:
            done = runs.run(make())
            return plain_trial(request, make()) if done is None else runs.figures(done)

        return run


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRun:
    """One run: its book, cut to the legs and trades there are."""

    book: Book
    legs: Ints
    trades: Ints
    held: int


class CompiledRuns:
    """Runs over the same bars; what does not change between them is made once."""

    def __init__(self, loops: CompiledTrials, request: Request, columns: Columns) -> None:
        self._loops = loops
        self._request = request
        self._columns = columns
        days = (columns.opens + _AHEAD_OF_UTC) // _DAY
        firsts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        rows = np.repeat(np.arange(firsts.size), np.diff(firsts, append=days.size))
        self._rates = _rates(days[firsts].tolist(), request.order.kind, request.order.exchange)
        self._bars = Bars(
            opens=columns.opens,
            closes=columns.closes,
            traded_at_open=columns.traded_at_open,
            traded_at_close=columns.traded_at_close,
            day=rows,
            open=_paise(columns.open),
            close=_paise(columns.close),
        )
        self._rules = _rules(request)
        closes = (columns.closes + _AHEAD_OF_UTC) // _DAY
        waits = columns.traded_at_open[1:] - columns.traded_at_close[:-1]
        self._lapses = int(np.count_nonzero(waits > self._rules.max_wait))
        self._ends_of_days = [*np.flatnonzero(np.diff(closes)).tolist(), closes.size - 1]
        is_by_bars = request.fill_model is not FillModel.BID_ASK
        self._fits = is_by_bars and _fits(self._bars, self._rules, self._rates, columns)
        self._text = ResultText(request, self._blank)

    def _blank(self, held: int) -> BacktestResult:
        request = self._request
        way_out = price_way_out(request, Target(held)) if held else None
        return BacktestResult(
            engine=self._loops.name,
            version=VERSION,
            fill_model=request.fill_model,
            sizing=request.sizing,
            trades=(),
            equity=EquityCurve(),
            assumptions=assumptions_of(request, way_out, ()),
        )

    def run(self, strategy: Strategy) -> CompiledRun | None:
        """None where only the plain kernel can tell, and after an error of the strategy's."""
        targets = self.targets(strategy) if self._fits else None
        return None if targets is None else self.replay(targets)

    def targets(self, strategy: Strategy) -> Targets | None:
        """What it wants at the close of each bar; None where it fails."""
        made = np.empty(self._columns.close.size, np.int8)
        bars = self._columns
        if type(strategy) is MovingAverageCross and self._can_sum(strategy.slow):
            below = 0 if strategy.long_only else -1
            self._loops.cross_targets(bars.close, strategy.fast, strategy.slow, below, made)
        elif type(strategy) is OpeningRangeBreakout and strategy.exit_at.tzinfo is None:
            self._loops.range_targets(
                self._bars.day, self._clock, bars.high, bars.low, bars.close,
                min(strategy.bars, _LARGEST), _micros(strategy.exit_at), made,
            )  # fmt: skip
        else:
            closed = ClosedBars(self._request.bars)
            try:
                for at in range(made.size):
                    closed.close_next()
                    wanted = decision(strategy, closed)
                    made[at] = LEAVE if wanted is None else wanted
            except AppError:
                return None
        return made

    def replay(self, targets: Targets) -> CompiledRun | None:
        """The run that these targets come to; None where it must be refused."""
        count, orders = targets.size, self._loops.most_orders(targets) + self._lapses
        book = Book(
            cash=np.empty(count, np.int64),
            position=np.empty(count, np.int64),
            legs=np.empty((2 * orders + 2, LEG_WIDTH), np.int64),
            trades=np.empty((2 * orders + 4, TRADE_WIDTH), np.int64),
        )
        is_done, legs, trades, held = self._loops.simulate(
            self._bars, self._rules, self._rates, targets, book
        )
        if not is_done:
            return None
        try:
            self._text.begin(held)
        except MarketFactUnknownError:
            return None
        return CompiledRun(book=book, legs=book.legs[:legs], trades=book.trades[:trades], held=held)

    def figures(self, run: CompiledRun) -> TrialFigures:
        """The same as of the plain kernel's result."""
        rules, legs = self._rules, run.legs
        values = legs[:, PRICE] * rules.quantity * (1 - 2 * legs[:, IS_BUY])
        costs = rules.brokerage + legs[:, STT : GST + 1].sum(axis=1)
        gross, spent = _by_trade(values, run.trades), _by_trade(costs, run.trades)
        gross += run.trades[:, MARK]
        priced = run.trades[:, END] != _ENDS.index(TradeEnd.UNPRICED)
        ends = self._ends_of_days
        daily = (run.book.cash[ends] + run.book.position[ends]).tolist()
        returns = daily_returns(rules.capital, daily)
        metrics = figures_of(
            nets=(gross - spent)[priced].tolist(),
            unpriced=int((~priced).sum()),
            gross=int(gross.sum()),
            costs=int(spent.sum()),
            slippage=int(np.abs(legs[:, PRICE] - legs[:, QUOTED]).sum()) * rules.quantity,
            held=int(np.count_nonzero(run.book.position)),
            points=run.book.cash.size,
            returns=returns,
        )
        return TrialFigures(
            metrics=metrics,
            returns=tuple(returns),
            result_hash=self.digest(run).hex(),
            net=int((gross - spent).sum()),
        )

    def digest(self, run: CompiledRun) -> bytes:
        """The SHA-256 of the same canonical bytes as the plain kernel's result has."""
        point, closes = self._text.point, self._columns.closes
        sha = hashlib.sha256(self._text.begin(run.held).encode())
        out = np.empty(_PART_BARS * longest_point(point), np.uint8)
        for begin in range(0, closes.size, _PART_BARS):
            stop = min(begin + _PART_BARS, closes.size)
            size = self._loops.write_curve(point, closes, run.book, begin, stop, out)
            sha.update(out[:size].data)
        sha.update(self._text.between.encode())
        for first in range(0, len(run.trades), _PART_TRADES):
            some = ",".join(self._trades(run, run.trades[first : first + _PART_TRADES]))
            sha.update(f"{',' if first else ''}{some}".encode())
        sha.update(self._text.end.encode())
        return sha.digest()

    def _trades(self, run: CompiledRun, trades: Ints) -> list[str]:
        """Some trades of `run` that follow each other, as in the canonical bytes."""
        text, closes = self._text, self._bars.closes
        begin, stop = int(trades[0, FIRST_LEG]), int(trades[-1, AFTER_LEG])
        filled = self._bars.opens if self._rules.at_open else closes
        legs = [
            text.leg(
                Side.BUY if leg[IS_BUY] else Side.SELL,
                {
                    "at": text.at(int(filled[leg[BAR]])),
                    "quoted": leg[QUOTED],
                    "price": leg[PRICE],
                    "stt": leg[STT],
                    "transaction": leg[TRANSACTION],
                    "sebi": leg[SEBI],
                    "stamp": leg[STAMP],
                    "gst": leg[GST],
                },
            )
            for leg in run.legs[begin:stop].tolist()
        ]
        return [
            text.trade(
                _ENDS[end],
                decided=int(closes[decided]),
                mark=mark,
                legs=legs[first - begin : after_leg - begin],
            )
            for decided, first, after_leg, end, mark in trades[:, DECIDED : MARK + 1].tolist()
        ]

    @cached_property
    def _clock(self) -> Ints:
        """The time of day that each bar opens at, IST."""
        clock: Ints = (self._columns.opens + _AHEAD_OF_UTC) % _DAY
        return clock

    def _can_sum(self, slow: int) -> bool:
        return slow * slow * int(self._columns.close.max()) < _LARGEST


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    made: Callable[..., Any] = numba.njit(cache=True)(function)
    return made


def _rules(request: Request) -> Rules:
    return Rules(
        max_wait=request.max_wait // _MICRO,
        at_open=request.fill_model is FillModel.NEXT_OPEN,
        capital=request.sizing.capital,
        quantity=request.sizing.quantity,
        lot_size=request.sizing.lot_size,
        margin_percent=request.margin_percent,
        slippage_bp=request.order.slippage_bp,
        tick=request.order.tick,
        brokerage=request.order.brokerage,
    )


def _rates(days: Sequence[int], kind: ChargeKind, exchange: str) -> Rates:
    over = np.zeros((len(days), RATE_WIDTH), np.int64)
    under = np.zeros((len(days), RATE_WIDTH), np.int64)
    for row, day in enumerate(days):
        try:
            of_day = Charges.on(date.fromordinal(_EPOCH_ORDINAL + day), kind, exchange=exchange)
        except MarketFactUnknownError:
            continue
        stt, stamp = of_day.stt, of_day.stamp
        rates = (
            *(stt[Side.BUY], stt[Side.SELL], of_day.transaction, of_day.sebi),
            *(stamp[Side.BUY], stamp[Side.SELL], of_day.gst),
        )
        for column, rate in enumerate(rates):
            over[row, column], under[row, column] = rate.as_integer_ratio()
    return Rates(over=over, under=under)


def _fits(bars: Bars, rules: Rules, rates: Rates, columns: Columns) -> bool:
    """Whether no number of any run can leave 64 bits, with room to spare."""
    least = min(int(each.min()) for each in (columns.open, columns.low, columns.close))
    most = max(int(bars.open.max()), int(bars.close.max()))
    slip = max(rules.tick, most * rules.slippage_bp // _UNITS_A_PAISA + 1)
    value = (most + slip) * rules.quantity
    largest_rate = max(int(rates.over.max()), 1)
    needed = (
        4 * (value + 4 * rules.brokerage) * largest_rate + 2 * int(rates.under.max()),
        rules.capital + 8 * len(bars.opens) * (value + rules.brokerage),
        most * rules.lot_size * rules.margin_percent,
        most * rules.slippage_bp,
        int(columns.high.max()),
        int(np.abs(columns.closes).max()) + rules.max_wait,
    )
    return least >= 0 and rules.capital >= 0 and max(needed) < _LARGEST


def _by_trade(values: Ints, trades: Ints) -> Ints:
    """What the legs of each trade add up to."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums[trades[:, AFTER_LEG]] - sums[trades[:, FIRST_LEG]]


def _paise(prices: Ints) -> Ints:
    return (prices + _UNITS_A_PAISA // 2) // _UNITS_A_PAISA


def _micros(at: time) -> int:
    return (
        timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
        // _MICRO
    )
