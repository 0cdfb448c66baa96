"""What an engine is told and what it must return, whichever it is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Protocol, Self, runtime_checkable

from munshi.domain.backtest.fills import ClosePrices, FillPrices, OpenPrices, QuotePrices
from munshi.domain.backtest.hours import ALWAYS, TradingHours
from munshi.domain.backtest.options.orders import Orders
from munshi.domain.backtest.quotes import QuoteBook, QuotedOrders
from munshi.domain.backtest.results import BacktestResult, FillModel, LegFill, Sizing, Trade
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind, Side

LONGEST_WAIT = timedelta(hours=1)
_BASIS = 10_000
RangeOf = Callable[[LegFill], tuple[int, int] | None]


class Target(IntEnum):
    """The position wanted from now on, in multiples of the size of an order."""

    SHORT = -1
    FLAT = 0
    LONG = 1


Decision = Target | Orders


class EngineName(StrEnum):
    """Which engine makes a run: our own, or nautilus_trader, which is an extra."""

    KERNEL = "kernel"
    NAUTILUS = "nautilus"


class Strategy(Protocol):
    """Decides when a bar has closed. One instance sees one run, bar after bar."""

    def decide(self, closed: Sequence[Candle], /) -> Decision | None:
        """The position wanted, or the orders of options; None to leave things as they are.

        `closed[-1]` has just closed.
        """
        ...


@runtime_checkable
class Resting(Protocol):
    """A strategy that can tell, from the times of bars alone, when it need not be asked."""

    def rests_until(self, number: int, /) -> int:
        """The first bar from `number` on, counted from 0, at whose close it may decide anything."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every order of a run shares.

    `slippage_bp` is basis points of the price, against the trader on each leg, and never less
    than `tick` paise; `brokerage` is paise an order.
    """

    instrument: str
    exchange: str
    kind: ChargeKind
    brokerage: int
    slippage_bp: int = 1
    tick: int = 5

    def slipped(self, quoted: int, side: Side) -> int:
        """What an order gets where `quoted` paise are asked or offered."""
        slip = max(self.tick, -(-quoted * self.slippage_bp // _BASIS))
        return quoted + slip if side is Side.BUY else max(quoted - slip, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`span` is the length of a bar, unless its session in `hours` ends before.

    An order to open that has found no price after `max_wait` of trading lapses. One to close
    waits on: who wants out takes the first price there is. `quotes` are for fills by bid and ask.
    """

    bars: Sequence[Candle]
    span: timedelta
    order: Order
    sizing: Sizing
    fill_model: FillModel
    margin_percent: int = 100
    hours: TradingHours = ALWAYS
    max_wait: timedelta = LONGEST_WAIT
    quotes: QuoteBook = field(default_factory=QuoteBook)

    def prices(self) -> FillPrices:
        """At which the orders of `order` can be filled."""
        if self.fill_model is FillModel.BID_ASK:
            return QuotePrices(self.quotes.track(self.order.instrument))
        return OpenPrices() if self.fill_model is FillModel.NEXT_OPEN else ClosePrices()

    def coverage(self) -> dict[str, object]:
        """What has been read besides the bars until now."""
        return self.quotes.coverage()

    def quoted_orders(self, trades: Iterable[Trade]) -> QuotedOrders:
        """Of `trades` made so; none where orders are not filled by bid and ask."""
        return self.quotes.orders(trades if self.fill_model is FillModel.BID_ASK else ())

    def until(self, count: int) -> Self:
        """The same with the first `count` bars, and nothing that came after them."""
        bars = self.bars[:count]
        quotes = self.quotes.until(bars[-1].opens + self.span) if bars else self.quotes
        return replace(self, bars=bars, quotes=quotes)

    def ranges(self) -> RangeOf:
        """Asked of an order, how low and high its bar was in paise, or its quote; None if none."""
        closes = list(self.hours.closes(self.bars, self.span))
        found = self.prices().ranges(self.bars, closes)
        return lambda leg: found.get(leg.at) if leg.instrument == self.order.instrument else None


class Engine(Protocol):
    """Runs a strategy over bars. `progress` is told the share done, and may raise to stop it."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def run(
        self, request: Request, strategy: Strategy, *, progress: Callable[[float], None]
    ) -> BacktestResult: ...
