"""What an engine is told and what it must return, whichever it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Protocol, Self, runtime_checkable

from munshi.domain.backtest.hours import ALWAYS, TradingHours
from munshi.domain.backtest.options.orders import Orders
from munshi.domain.backtest.results import BacktestResult, FillModel, LegFill, Sizing
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.charges import ChargeKind, Side

LONGEST_WAIT = timedelta(hours=1)
_BASIS = 10_000
_UNITS_A_PAISA = PRICE_SCALE // 100
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
    waits on: who wants out takes the first price there is.
    """

    bars: Sequence[Candle]
    span: timedelta
    order: Order
    sizing: Sizing
    fill_model: FillModel
    margin_percent: int = 100
    hours: TradingHours = ALWAYS
    max_wait: timedelta = LONGEST_WAIT

    def coverage(self) -> dict[str, object]:
        """What has been read besides the bars until now."""
        return {}

    def until(self, count: int) -> Self:
        """The same with the first `count` bars, and nothing that came after them."""
        return replace(self, bars=self.bars[:count])

    def ranges(self) -> RangeOf:
        """Asked of an order, how low and high its bar was in paise; None where there is no bar."""
        at_open = self.fill_model is FillModel.NEXT_OPEN
        closes = self.hours.closes(self.bars, self.span)
        found = {
            bar.opens if at_open else at: (bar.low // _UNITS_A_PAISA, bar.high // _UNITS_A_PAISA)
            for bar, at in zip(self.bars, closes, strict=True)
        }
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
