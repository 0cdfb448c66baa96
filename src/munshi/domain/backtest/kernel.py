"""The own engine: one instrument, whole paise, and rules that have no switch.

A decision sees closed bars only. It is filled at the first bar that opens after it, or not at
all. Slippage and charges fall on every leg. What is open at the end is marked and says so.
"""

from collections.abc import Callable
from datetime import timedelta

from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.costs import assumption_beyond, cost_of_leg
from munshi.domain.backtest.engine import Request, Strategy, Target
from munshi.domain.backtest.results import (
    BacktestResult,
    EquityPoint,
    FillModel,
    LegFill,
    Trade,
    TradeEnd,
)
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.charges import Side
from munshi.errors import (
    AppError,
    BacktestCapitalTooSmallError,
    BacktestDataMissingError,
    StrategyFailedError,
)

# 2: a trade has a signal and an expiry, so a result is written otherwise than by 1.
VERSION = "2"
_UNITS_A_PAISA = PRICE_SCALE // 100
_BASIS = 10_000
_PERCENT = 100
_TOLD_EVERY = 1024


class Kernel:
    """See the module. A result is the same for the same request, always."""

    name = "kernel"
    version = VERSION

    def run(
        self, request: Request, strategy: Strategy, *, progress: Callable[[float], None]
    ) -> BacktestResult:
        """Run from the first bar to the last.

        Raises BacktestDataMissingError, BacktestCapitalTooSmallError, MarketFactUnknownError,
        StrategyFailedError, and whatever `progress` raises.
        """
        if not request.bars:
            raise BacktestDataMissingError(
                f"There are no bars of {request.order.instrument} to run on.",
                hint="Collect or import them: munshi data collect --help",
            )
        book = _Book(request)
        closed = ClosedBars(request.bars)
        for number in range(len(request.bars)):
            bar = closed.close_next()
            book.fill(bar)
            book.mark(bar)
            wanted = decision(strategy, closed)
            if wanted is not None:
                book.want(wanted, bar)
            if number % _TOLD_EVERY == 0:
                progress(number / len(request.bars))
        book.end(request.bars[-1])
        assumption = assumption_beyond(request.bars[-1].opens.astimezone(IST).date())
        return BacktestResult(
            engine=self.name,
            version=self.version,
            fill_model=request.fill_model,
            sizing=request.sizing,
            trades=tuple(book.trades),
            equity=tuple(book.curve),
            assumptions=(assumption,) if assumption else (),
        )


class _Book:
    """Cash, the position, the trade that is open and the order that waits."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._cash = request.sizing.capital
        self._held = Target.FLAT
        self._wanted = Target.FLAT
        self._decided_at = request.bars[0].opens
        self._legs: list[LegFill] = []
        self._opened_by = self._decided_at
        self.trades: list[Trade] = []
        self.curve: list[EquityPoint] = []

    def want(self, target: Target, bar: Candle) -> None:
        """A decision at the close of `bar`; it replaces one that has not been filled."""
        if target is not self._wanted:
            self._wanted = target
            self._decided_at = bar.opens + self._request.span

    def fill(self, bar: Candle) -> None:
        """What was decided before `bar` opened is done at its open or close."""
        if self._wanted is self._held or bar.opens < self._decided_at:
            return
        at_open = self._request.fill_model is FillModel.NEXT_OPEN
        quoted = _paise(bar.open if at_open else bar.close)
        at = timedelta(0) if at_open else self._request.span
        if self._held is not Target.FLAT:
            self._execute(_closing(self._held), quoted, bar, at)
            self._finish(TradeEnd.CLOSED)
        if self._wanted is not Target.FLAT:
            self._check_capital(quoted)
            self._opened_by = self._decided_at
            self._execute(_opening(self._wanted), quoted, bar, at)
        self._held = self._wanted

    def mark(self, bar: Candle) -> None:
        self.curve.append(
            EquityPoint(
                at=bar.opens + self._request.span, cash=self._cash, position=self._worth(bar)
            )
        )

    def end(self, last: Candle) -> None:
        """Mark what is open, and list the order for which no price came."""
        if self._held is not Target.FLAT:
            self._finish(TradeEnd.OPEN_AT_END, mark=self._worth(last))
        if self._wanted not in {self._held, Target.FLAT}:
            self.trades.append(Trade(decided_at=self._decided_at, end=TradeEnd.UNPRICED, legs=()))

    def _execute(self, side: Side, quoted: int, bar: Candle, at: timedelta) -> None:
        order, quantity = self._request.order, self._request.sizing.quantity
        slip = max(order.tick, -(-quoted * order.slippage_bp // _BASIS))
        price = quoted + slip if side is Side.BUY else max(quoted - slip, 0)
        leg = LegFill(
            instrument=order.instrument,
            side=side,
            quantity=quantity,
            quoted=quoted,
            price=price,
            at=bar.opens + at,
            cost=cost_of_leg(
                bar.opens.astimezone(IST).date(),
                order.kind,
                side,
                price=price,
                quantity=quantity,
                brokerage=order.brokerage,
                exchange=order.exchange,
            ),
        )
        self._cash += leg.cash - leg.cost.total
        self._legs.append(leg)

    def _finish(self, end: TradeEnd, *, mark: int = 0) -> None:
        self.trades.append(
            Trade(decided_at=self._opened_by, end=end, legs=tuple(self._legs), mark=mark)
        )
        self._legs = []

    def _worth(self, bar: Candle) -> int:
        return self._held * self._request.sizing.quantity * _paise(bar.close)

    def _check_capital(self, quoted: int) -> None:
        sizing = self._request.sizing
        needed = quoted * sizing.lot_size * self._request.margin_percent // _PERCENT
        if sizing.capital < needed:
            raise BacktestCapitalTooSmallError(
                f"One lot of {self._request.order.instrument} needs {needed / _PERCENT:,.2f} "
                f"rupees, the capital is {sizing.capital / _PERCENT:,.2f}.",
                hint="Give more capital, or the share of the value that is asked as margin.",
            )


def decision(strategy: Strategy, closed: ClosedBars) -> Target | None:
    """Raises StrategyFailedError for whatever the strategy raises that is no error of ours."""
    try:
        wanted = strategy.decide(closed)
        return None if wanted is None else Target(wanted)
    except AppError:
        raise
    except Exception as error:
        at = closed[-1].opens.astimezone(IST)
        raise StrategyFailedError(
            f"{type(strategy).__name__} failed at the bar of {at:%Y-%m-%d %H:%M}: "
            f"{type(error).__name__}: {error}",
            hint="Nothing was stored. Mend the strategy and run it again.",
        ) from error


def _opening(target: Target) -> Side:
    return Side.BUY if target is Target.LONG else Side.SELL


def _closing(held: Target) -> Side:
    return Side.SELL if held is Target.LONG else Side.BUY


def _paise(price: int) -> int:
    """From ten-thousandths of a rupee, halves up; exchange prices are whole paise."""
    return (price + _UNITS_A_PAISA // 2) // _UNITS_A_PAISA
