"""Plain strategies that ship with Munshi, also as examples of how to write one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from munshi.clock import IST
from munshi.domain.backtest.engine import Target
from munshi.domain.market.candles import Candle
from munshi.errors import JobParametersInvalidError


@dataclass(slots=True)
class MovingAverageCross:
    """Long while the mean of the last `fast` closes is above that of the last `slow`.

    Below it short, or flat with `long_only`; in between nothing changes. The means are compared
    as products of whole sums, so that equal is equal. Raises JobParametersInvalidError.
    """

    fast: int = 20
    slow: int = 50
    long_only: bool = False
    _fast_sum: int = 0
    _slow_sum: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.fast < self.slow:
            raise JobParametersInvalidError(
                f"fast must be from 1 to slow - 1, not {self.fast} with a slow of {self.slow}."
            )

    def decide(self, closed: Sequence[Candle], /) -> Target | None:
        count, newest = len(closed), closed[-1].close
        self._fast_sum += newest - (closed[-1 - self.fast].close if count > self.fast else 0)
        self._slow_sum += newest - (closed[-1 - self.slow].close if count > self.slow else 0)
        if count < self.slow:
            return None
        difference = self._fast_sum * self.slow - self._slow_sum * self.fast
        if difference == 0:
            return None
        if difference > 0:
            return Target.LONG
        return Target.FLAT if self.long_only else Target.SHORT


@dataclass(slots=True)
class OpeningRangeBreakout:
    """The first close of a day beyond the range of its first `bars` bars, until `exit_at` IST.

    One trade a day. Raises JobParametersInvalidError.
    """

    bars: int = 15
    exit_at: time = time(15, 15)
    _day: date | None = None
    _seen: int = 0
    _high: int = 0
    _low: int = 0
    _has_traded: bool = False

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise JobParametersInvalidError(f"bars must be 1 or more, not {self.bars}.")

    def decide(self, closed: Sequence[Candle], /) -> Target | None:
        bar = closed[-1]
        opens = bar.opens.astimezone(IST)
        if opens.date() != self._day:
            self._day, self._seen, self._has_traded = opens.date(), 0, False
            self._high, self._low = bar.high, bar.low
        self._seen += 1
        if opens.time() >= self.exit_at:
            return Target.FLAT
        if self._seen <= self.bars:
            self._high, self._low = max(self._high, bar.high), min(self._low, bar.low)
            # A position that no bar came to close is not carried any further.
            return Target.FLAT
        if self._has_traded or self._low <= bar.close <= self._high:
            return None
        self._has_traded = True
        return Target.LONG if bar.close > self._high else Target.SHORT
