"""When the bars of the underlying closed, worked out once for all runs over them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Self

from munshi.domain.backtest.options.held import HeldLeg
from munshi.domain.backtest.options.market import OptionMarket
from munshi.domain.market.calendar import Segment
from munshi.domain.market.candles import Candle

_AHEAD_OF_UTC = 19_800
_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """`ends` are seconds since 1970, `instants` the same in UTC, one for each bar."""

    bars: Sequence[Candle]
    ends: Sequence[int]
    instants: Sequence[datetime]

    @classmethod
    def of(cls, bars: Sequence[Candle], span: timedelta, market: OptionMarket) -> Self:
        stamps = [int(bar.opens.timestamp()) for bar in bars]
        ends = market.ends(stamps, span, Segment.CASH)
        return cls(bars=bars, ends=ends, instants=[datetime.fromtimestamp(at, UTC) for at in ends])

    def worths(self, leg: HeldLeg, begin: int, until: int) -> Sequence[int]:
        """What `leg` is worth in paise at the close of each bar from `begin` to before `until`.

        A bar of it has closed by then; it keeps its last price where none closes any more.
        """
        key = (leg.contract.instrument, leg.signed_quantity)
        if (found := self._worths.get(key)) is None:
            found = self._worths[key] = _worths(self.ends, leg)
        first, worths = found
        some = worths[begin - first : until - first]
        return some + worths[-1:] * (until - begin - len(some))

    @cached_property
    def _worths(self) -> dict[tuple[str, int], tuple[int, list[int]]]:
        return {}

    @cached_property
    def day_ends(self) -> Sequence[int]:
        """The places of the last bar of each day, IST."""
        days = [(end + _AHEAD_OF_UTC) // _DAY for end in self.ends]
        last = len(days) - 1
        return [n for n, day in enumerate(days) if n == last or days[n + 1] != day]


def _worths(ends: Sequence[int], leg: HeldLeg) -> tuple[int, list[int]]:
    """The first bar by which one of `leg` has closed, and its worth until its last one."""
    track, quantity = leg.track, leg.signed_quantity
    first = bisect_left(ends, track.ends[0])
    closed = 0
    worths = []
    for number in range(first, len(ends)):
        closed = bisect_right(track.ends, ends[number], closed)
        worths.append(track.closes[closed - 1] * quantity)
        if closed == len(track.ends):
            break
    return first, worths
