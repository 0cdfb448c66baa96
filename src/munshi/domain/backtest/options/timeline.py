"""When the bars of the underlying closed, worked out once for all runs over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Self

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

    @cached_property
    def day_ends(self) -> Sequence[int]:
        """The places of the last bar of each day, IST."""
        days = [(end + _AHEAD_OF_UTC) // _DAY for end in self.ends]
        last = len(days) - 1
        return [n for n, day in enumerate(days) if n == last or days[n + 1] != day]
