"""Fortnights of hourly bars made up for the weekly signals, in points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from munshi.clock import IST
from munshi.domain.market.candles import Candle, to_price

Bar = tuple[float, float, float, float]  # open, high, low, close
BEFORE, THIS = date(2024, 6, 3), date(2024, 6, 10)  # two Mondays of weeks without a holiday
BARS_A_DAY = 7


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the previous week's levels should be."""

    close: float = 22_000
    high: float = 22_100
    body_high: float = 22_080
    low: float = 21_900
    body_low: float = 21_920

    def bars(self) -> list[Candle]:
        flat = (self.close, self.close, self.close, self.close)
        week = [flat] * (5 * BARS_A_DAY)
        week[0] = (self.body_high, self.high, self.close, self.close)
        week[BARS_A_DAY] = (self.body_low, self.close, self.low, self.close)
        return hourly(BEFORE, week)


NEUTRAL, BULL, BEAR = Before(), Before(close=21_940), Before(close=22_060)


def hourly(monday: date, bars: Sequence[Bar], *, skip: int = 0) -> list[Candle]:
    """Bars on consecutive hours of consecutive days, the first at Monday 09:15."""
    made = []
    for number, (opened, high, low, close) in enumerate(bars, start=skip):
        day, hour = divmod(number, BARS_A_DAY)
        opens = datetime.combine(monday + timedelta(days=day), time(9 + hour, 15), IST)
        made.append(
            Candle(
                opens=opens,
                open=to_price(opened),
                high=to_price(high),
                low=to_price(low),
                close=to_price(close),
                volume=0,
            )
        )
    return made
