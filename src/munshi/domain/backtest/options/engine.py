"""The engine of option trades: several legs, to the paisa, through expiry.

A decision sees closed bars of the underlying only. Its legs are filled together, at the first
bar after it in which all of them trade, or not at all when that comes too late. Slippage and
charges fall on every order; what expires is settled. A way out that finds no price ends the
trade as unpriced. What is open at the end is marked and says so, with what getting out costs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Request, Resting, Strategy
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.options.book import Book, CashRun
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.orders import Enter, Exit, Orders
from munshi.domain.backtest.options.settlement import SOURCE
from munshi.domain.backtest.options.timeline import Timeline
from munshi.domain.backtest.results import BacktestResult, Trade
from munshi.domain.backtest.rules import assumptions_of, but_spread, check_bars, decided

VERSION = "1"
_TOLD_EVERY = 1024
_PERCENT = 100
_MICROS = 1_000_000


class OptionsEngine:
    """See the module. A result is the same for the same request and prices, always."""

    name = "options"
    version = VERSION

    def run(
        self, request: Request, strategy: Strategy, *, progress: Callable[[float], None]
    ) -> BacktestResult:
        """Run from the first bar to the last. `request` is an OptionRequest.

        Raises BacktestDataMissingError, BacktestCapitalTooSmallError, MarketFactUnknownError,
        CalendarYearUnknownError, StrategyFailedError, and whatever `progress` raises.
        """
        if not isinstance(request, OptionRequest):
            raise TypeError("option trades need a request with an option market")
        check_bars(request)
        timeline = Timeline.of(request.bars, request.span, request.market)
        played = play(request, timeline, strategy, progress=progress)
        return result_of(request, played, equity=played.equity(timeline))


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a run came to; `cash_runs` and `positions` are of the bars' closes, in paise."""

    trades: tuple[Trade, ...]
    cash_runs: Sequence[CashRun]
    positions: list[int]
    way_out: int | None

    @property
    def cash(self) -> list[int]:
        """That of each bar's close."""
        return [cash for cash, bars in self.cash_runs for _ in range(bars)]

    def equity(self, timeline: Timeline) -> EquityCurve:
        curve = EquityCurve()
        for end, cash, position in zip(timeline.ends, self.cash, self.positions, strict=True):
            curve.append_row(end * _MICROS, cash, position)
        return curve


def play(
    request: OptionRequest,
    timeline: Timeline,
    strategy: Strategy,
    *,
    progress: Callable[[float], None],
) -> Played:
    """Run over the bars of `timeline`, which are those of `request`. Raises as the engine does."""
    book, closed = Book(request, timeline), ClosedBars(request.bars)
    ends, instants = timeline.ends, timeline.instants
    rests_until = strategy.rests_until if isinstance(strategy, Resting) else _never_rests
    number = told = 0
    while number < len(ends):
        if number >= told:
            progress(number / len(ends))
            told += _TOLD_EVERY
        asked = min(rests_until(number), len(ends) - 1)
        book.close(number, asked + 1)
        closed.close_until(asked + 1)
        for order in decided(strategy, closed, orders_of):
            if isinstance(order, Enter):
                book.enter(order, instants[asked])
            else:
                book.exit(order, instants[asked])
        number = asked + 1
    way_out = book.end(instants[-1])
    return Played(
        trades=book.trades,
        cash_runs=book.cash_runs,
        positions=book.position_curve,
        way_out=way_out,
    )


def _never_rests(number: int) -> int:
    return number


def result_of(request: OptionRequest, played: Played, *, equity: EquityCurve) -> BacktestResult:
    """`played` in the form of every engine."""
    return BacktestResult(
        engine=OptionsEngine.name,
        version=OptionsEngine.version,
        fill_model=request.fill_model,
        sizing=request.sizing,
        trades=played.trades,
        equity=equity,
        assumptions=(
            SOURCE,
            *assumptions_of(request, _told(request, played.way_out), played.trades),
        ),
    )


def _told(request: OptionRequest, way_out: int | None) -> str | None:
    if way_out is None:
        return None
    return (
        "What is open at the end is marked at its last prices; getting out there would have "
        f"cost {way_out / _PERCENT:,.2f} rupees more{but_spread(request)}."
    )


def orders_of(decided: object) -> Orders:
    """What a strategy of options decided. Raises TypeError where that are no orders."""
    if decided is None:
        return ()
    if isinstance(decided, tuple) and all(isinstance(each, Enter | Exit) for each in decided):
        return decided
    raise TypeError(f"decide must return a tuple of Enter and Exit orders, not {decided!r}")
