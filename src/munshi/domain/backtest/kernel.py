"""The own engine: one instrument, whole paise, and rules that have no switch.

A decision sees closed bars only. It is filled at the first price after it, of a bar or a stored
quote, or not at all when that comes too late. Slippage and charges fall on every leg. What is
open at the end is marked and says so, with what getting out would have cost.
"""

from collections.abc import Callable
from datetime import datetime

from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Request, Strategy, Target
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.fills import Tradable
from munshi.domain.backtest.results import (
    BacktestResult,
    LegFill,
    Trade,
    TradeEnd,
)
from munshi.domain.backtest.rules import (
    assumptions_of,
    check_bars,
    check_capital,
    closing,
    decision,
    has_lapsed,
    opening,
    order_at,
    price_way_out,
)
from munshi.domain.market.candles import Candle, to_paise
from munshi.domain.market.charges import Side

# 2: a trade has a signal and an expiry, so a result is written otherwise than by 1.
# 3: a bar closes when its session does, an order to open lapses, and the way out of what is
# open at the end has a price.
VERSION = "3"
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
        check_bars(request)
        book = _Book(request)
        closed = ClosedBars(request.bars)
        ends = request.hours.closes(request.bars, request.span)
        for number, (bar, closes) in enumerate(zip(request.bars, ends, strict=True)):
            closed.close(bar)
            book.fill(bar, closes)
            book.mark(bar, closes)
            wanted = decision(strategy, closed)
            if wanted is not None:
                book.want(wanted, closes)
            if number % _TOLD_EVERY == 0:
                progress(number / len(request.bars))
        way_out = book.end(request.bars[-1])
        return BacktestResult(
            engine=self.name,
            version=self.version,
            fill_model=request.fill_model,
            sizing=request.sizing,
            trades=tuple(book.trades),
            equity=book.curve,
            assumptions=assumptions_of(request, way_out, book.trades),
        )


class _Book:
    """Cash, the position, the trade that is open and the order that waits."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._prices = request.prices()
        self._cash = request.sizing.capital
        self._held = Target.FLAT
        self._wanted = Target.FLAT
        self._decided_at = request.bars[0].opens
        self._legs: list[LegFill] = []
        self._opened_by = self._decided_at
        self.trades: list[Trade] = []
        self.curve = EquityCurve()

    def want(self, target: Target, at: datetime) -> None:
        """A decision when a bar closed `at`; it replaces one that has not been filled."""
        if target is not self._wanted:
            self._wanted = target
            self._decided_at = at

    def fill(self, bar: Candle, closes: datetime) -> None:
        """What was decided before `bar` is done at the first price that it has shown."""
        if self._wanted is self._held:
            return
        price = self._prices.first(self._decided_at, bar, closes)
        until = self._prices.looked_until(bar, closes) if price is None else price.starts
        if price is not None and self._held is not Target.FLAT:
            self._execute(closing(self._held), price)
            self._finish(TradeEnd.CLOSED)
            self._held = Target.FLAT
        if self._wanted is not Target.FLAT and has_lapsed(self._request, self._decided_at, until):
            self._give_up()
        if price is not None and self._wanted is not Target.FLAT:
            side = opening(self._wanted)
            check_capital(self._request, price.quoted(side))
            self._opened_by = self._decided_at
            self._execute(side, price)
            self._held = self._wanted

    def mark(self, bar: Candle, closes: datetime) -> None:
        self.curve.append(closes, self._cash, self._worth(bar))

    def end(self, last: Candle) -> str | None:
        """Mark what is open, and list the order for which no price came.

        What getting out of it would have cost is returned, as an assumption.
        """
        way_out = None
        if self._held is not Target.FLAT:
            way_out = price_way_out(self._request, self._held)
            self._finish(TradeEnd.OPEN_AT_END, mark=self._worth(last))
        if self._wanted not in {self._held, Target.FLAT}:
            self._give_up()
        return way_out

    def _give_up(self) -> None:
        """The order to open lapses, and is listed."""
        self.trades.append(Trade(decided_at=self._decided_at, end=TradeEnd.UNPRICED, legs=()))
        self._wanted = Target.FLAT

    def _execute(self, side: Side, price: Tradable) -> None:
        leg = order_at(self._request, side, price)
        self._cash += leg.cash - leg.cost.total
        self._legs.append(leg)

    def _finish(self, end: TradeEnd, *, mark: int = 0) -> None:
        self.trades.append(
            Trade(decided_at=self._opened_by, end=end, legs=tuple(self._legs), mark=mark)
        )
        self._legs = []

    def _worth(self, bar: Candle) -> int:
        return self._held * self._request.sizing.quantity * to_paise(bar.close)
