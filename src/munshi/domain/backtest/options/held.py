"""One trade of several legs, from the order that opens it to the last leg that is closed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from munshi.domain.backtest.options.market import Contract, PriceTrack
from munshi.domain.backtest.options.orders import Enter
from munshi.domain.backtest.results import LegFill
from munshi.domain.market.charges import Side

_PERCENT = 100


@dataclass(slots=True, kw_only=True)
class HeldLeg:
    """`mark` is its last known price in paise, `entry` the price it was filled at.

    `is_marked` once a bar of it has closed since.
    """

    contract: Contract
    track: PriceTrack
    side: Side
    quantity: int
    mark: int = 0
    entry: int = 0
    cursor: int = 0
    is_fresh: bool = False
    is_marked: bool = False
    is_leaving: bool = False

    @property
    def worth(self) -> int:
        return self.mark * self.signed_quantity

    @property
    def signed_quantity(self) -> int:
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def way_out(self) -> Side:
        return Side.SELL if self.side is Side.BUY else Side.BUY

    def advance(self, now: int) -> None:
        """Take in the bars that have closed by `now`."""
        ends, cursor = self.track.ends, self.cursor
        while cursor < len(ends) and ends[cursor] <= now:
            cursor += 1
        self.is_fresh = cursor > self.cursor
        if self.is_fresh:
            self.cursor, self.mark, self.is_marked = cursor, self.track.closes[cursor - 1], True

    def is_stopped(self, percent: int) -> bool:
        return (
            self.side is Side.SELL
            and self.is_fresh
            and not self.is_leaving
            and self.mark * _PERCENT >= self.entry * (_PERCENT + percent)
        )


@dataclass(slots=True, kw_only=True)
class Waiting:
    """Legs that are to be filled together at `places` of their bars, which open at `stamp`.

    Or of their quotes, the last of which came at `stamp`. None where there are no such before
    `deadline`; all are seconds since 1970.
    """

    legs: Sequence[HeldLeg]
    deadline: int
    stamp: int | None
    places: Sequence[int]


@dataclass(slots=True, kw_only=True)
class HeldTrade:
    """Waits for its entry while `entry` is set; then holds `legs` until none is left.

    It settles at `settles`, seconds since 1970.
    """

    number: int
    order: Enter
    decided_at: datetime
    expiry: date
    settles: int
    entry: Waiting | None
    legs: list[HeldLeg] = field(default_factory=list)
    exits: list[Waiting] = field(default_factory=list)
    fills: list[LegFill] = field(default_factory=list)

    @property
    def has_stops(self) -> bool:
        return self.order.stop_percent is not None or self.order.leg_stop_percent is not None

    def is_quiet(self, now: int) -> bool:
        """Whether nothing can be filled or settled by `now`."""
        return self.entry is None and not self.exits and now < self.settles

    @property
    def is_only_marked(self) -> bool:
        """Whether nothing comes of a bar but new marks, until it settles or is decided on."""
        is_waiting = self.entry is not None or bool(self.exits) or self.has_stops
        return not is_waiting and all(leg.is_marked for leg in self.legs)

    def is_stopped(self) -> bool:
        """By what closing every leg would cost, against what the whole trade brought in."""
        percent = self.order.stop_percent
        staying = [leg for leg in self.legs if not leg.is_leaving]
        if percent is None or not any(leg.is_fresh for leg in staying):
            return False
        brought_in = sum(_signed(leg, leg.entry) for leg in staying)
        return brought_in > 0 and (
            sum(_signed(leg, leg.mark) for leg in staying) * _PERCENT
            >= brought_in * (_PERCENT + percent)
        )


def _signed(leg: HeldLeg, price: int) -> int:
    return price if leg.side is Side.SELL else -price
