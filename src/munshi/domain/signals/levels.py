"""The levels that one week's bars set for the next one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from itertools import groupby

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.signals.parameters import FourHourBars

_LEAST_MARGIN = PRICE_SCALE // 4
_ZONE_WIDTHS = 3
_AFTERNOON = time(13, 15)
_AT_A_TIME = 4


class Bias(StrEnum):
    BULL = "bull"
    BEAR = "bear"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Prices in ten-thousandths of a rupee, as in candles.

    `high`, `low`, `close` are PH, PL and PC; `upper_top` to `lower_bottom` are UT, UB, LT, LB.
    """

    high: int
    low: int
    close: int
    body_high: int
    body_low: int

    @property
    def upper_top(self) -> int:
        return max(self.high, self.body_high)

    @property
    def upper_bottom(self) -> int:
        return min(self.high, self.body_high)

    @property
    def lower_top(self) -> int:
        return max(self.low, self.body_low)

    @property
    def lower_bottom(self) -> int:
        return min(self.low, self.body_low)

    @property
    def upper_margin(self) -> int:
        return max(_ZONE_WIDTHS * (self.upper_top - self.upper_bottom), _LEAST_MARGIN)

    @property
    def lower_margin(self) -> int:
        return max(_ZONE_WIDTHS * (self.lower_top - self.lower_bottom), _LEAST_MARGIN)

    @property
    def bias(self) -> Bias:
        to_low, to_high = abs(self.close - self.body_low), abs(self.close - self.body_high)
        if to_low == to_high:
            return Bias.NEUTRAL
        return Bias.BULL if to_low < to_high else Bias.BEAR


def levels_of(bars: Sequence[Candle], four_hour: FourHourBars) -> Levels:
    """The levels of one week's hourly bars, in order; there must be one at least."""
    bodies = [price for group in _bodies(bars, four_hour) for price in group]
    return Levels(
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        body_high=max(bodies),
        body_low=min(bodies),
    )


def _bodies(bars: Sequence[Candle], four_hour: FourHourBars) -> Iterator[tuple[int, int]]:
    """Open and close of each bar that the zones are made of."""
    if four_hour is FourHourBars.HOURLY:
        yield from ((bar.open, bar.close) for bar in bars)
    elif four_hour is FourHourBars.CLOCK:
        for first in range(0, len(bars), _AT_A_TIME):
            group = bars[first : first + _AT_A_TIME]
            yield group[0].open, group[-1].close
    else:
        for _, half in groupby(bars, _half_session):
            of_half = list(half)
            yield of_half[0].open, of_half[-1].close


def _half_session(bar: Candle) -> tuple[object, bool]:
    opens = bar.opens.astimezone(IST)
    return opens.date(), opens.time() >= _AFTERNOON
