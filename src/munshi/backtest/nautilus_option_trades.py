"""The trades of the option desk at nautilus_trader: which legs are held, wait, or have been left.

How much each is worth and what it brought is told by the positions there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from nautilus_trader.model.identifiers import InstrumentId, PositionId

from munshi.backtest.nautilus_option_models import SECOND
from munshi.domain.backtest.options.market import Contract
from munshi.domain.backtest.options.orders import Enter
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.market.charges import Side

_PERCENT = 100
_ENTRY = -1
_MINUTE = 60 * SECOND
_SETTLED = 1_000_000  # more than a trade has ways out
_FillKey = tuple[int, int, int]


@dataclass(slots=True, kw_only=True, eq=False)
class DeskLeg:
    """`entry` is the price it was filled at, `mark` its last one, in paise.

    It is fresh when a bar of it has closed since the last one of the index.
    """

    place: int
    contract: Contract
    instrument: InstrumentId
    position: PositionId
    side: Side
    quantity: int
    entry: int = 0
    mark: int = 0
    is_fresh: bool = False
    is_leaving: bool = False

    @property
    def worth(self) -> int:
        return self.mark * self.quantity * (1 if self.side is Side.BUY else -1)

    @property
    def way_out(self) -> Side:
        return Side.SELL if self.side is Side.BUY else Side.BUY

    def is_stopped(self, percent: int) -> bool:
        is_risen = self.mark * _PERCENT >= self.entry * (_PERCENT + percent)
        return self.side is Side.SELL and self.is_fresh and is_risen


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """Legs that are traded together or not at all, between two instants in seconds since 1970."""

    legs: Sequence[DeskLeg]
    number: int
    opens: int
    deadline: int

    @property
    def is_entry(self) -> bool:
        return self.number == _ENTRY

    def is_ready(self, event: int, told: Mapping[InstrumentId, int]) -> bool:
        """Whether a price of every leg was told in the minute of `event`.

        All are nanoseconds; the event of a bar's price is that the bar opened.
        """
        first = max(self.opens * SECOND, event - event % _MINUTE)
        return event <= self.deadline * SECOND and all(
            told.get(leg.instrument, 0) >= first for leg in self.legs
        )


@dataclass(slots=True, kw_only=True, eq=False)
class DeskTrade:
    """Waits while `entry` is set, then holds `legs` until none is left; settles at `settles`."""

    number: int
    order: Enter
    decided_at: datetime
    expiry: date
    settles: int
    wanted: Sequence[DeskLeg]
    entry: Group | None = None
    legs: list[DeskLeg] = field(default_factory=list)
    exits: list[Group] = field(default_factory=list)
    ways_out: int = 0
    _fills: list[tuple[_FillKey, LegFill]] = field(default_factory=list)

    def wait_in(self, *, opens: int, deadline: int) -> Group:
        self.entry = Group(legs=self.wanted, number=_ENTRY, opens=opens, deadline=deadline)
        return self.entry

    def wait_out(self, legs: Sequence[DeskLeg], *, opens: int, deadline: int) -> Group | None:
        """Of those that are not on their way out already; None where all are."""
        staying = [leg for leg in legs if not leg.is_leaving]
        if not staying:
            return None
        for leg in staying:
            leg.is_leaving = True
        group = Group(legs=staying, number=self.ways_out, opens=opens, deadline=deadline)
        self.ways_out += 1
        self.exits.append(group)
        return group

    def keep(self, fill: LegFill, leg: DeskLeg, group: Group | None, *, bars: int) -> None:
        """`bars` of the index had closed; without a group it was a settlement."""
        number = _SETTLED if group is None else group.number
        self._fills.append(((bars, number, leg.place), fill))

    def groups(self) -> Iterator[Group]:
        if self.entry is not None:
            yield self.entry
        yield from self.exits

    def is_too_late(self, now: int) -> bool:
        """Whether what it waits for, or its settlement, did not come by `now`."""
        if self.entry is not None:
            return now > self.entry.deadline
        return now >= self.settles or any(now > group.deadline for group in self.exits)

    def stopped(self) -> Iterator[Sequence[DeskLeg]]:
        """Legs that its stops say must be left, together or each alone."""
        percent = self.order.leg_stop_percent
        if self._is_stopped():
            yield tuple(self.legs)
        elif percent is not None:
            yield from ((leg,) for leg in self.legs if leg.is_stopped(percent))

    def ended(self, end: TradeEnd) -> Trade:
        is_open = end is TradeEnd.OPEN_AT_END
        return Trade(
            decided_at=self.decided_at,
            end=end,
            legs=tuple(fill for _, fill in sorted(self._fills, key=lambda each: each[0])),
            mark=sum(leg.worth for leg in self.legs) if is_open else 0,
            signal=self.order.signal,
            expiry=self.expiry,
        )

    def _is_stopped(self) -> bool:
        """By what closing every leg would cost, against what they brought in."""
        percent = self.order.stop_percent
        staying = [leg for leg in self.legs if not leg.is_leaving]
        if percent is None or not any(leg.is_fresh for leg in staying):
            return False
        brought = sum(_signed(leg, leg.entry) for leg in staying)
        costs = sum(_signed(leg, leg.mark) for leg in staying)
        return brought > 0 and costs * _PERCENT >= brought * (_PERCENT + percent)


def _signed(leg: DeskLeg, price: int) -> int:
    return price if leg.side is Side.SELL else -price
