"""Made-up candles with flaws that can be foretold: what a soak compares with what it stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from random import Random

import polars as pl

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.bars import aggregate, merge
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles
from munshi.infrastructure.candles.frames import to_frame

DAYS_CACHED = 4096
# Of a hundred days, so many have nothing, have holes, and hold a bar that cannot be.
EMPTY, HOLED, BROKEN = 4, 8, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueDay:
    """What a broker has of one day, of bars that can be stored and bars that cannot."""

    sane: pl.DataFrame
    broken: int


class PatchyCandles:
    """The same flaws for an instrument and day whatever is asked, and however often.

    Days after `last_flaw` have none, so that what is streamed there goes on.
    """

    label = "synthetic"
    first_day: date | None = None
    last_day: date | None = None

    def __init__(self, *, last_flaw: date) -> None:
        self._last_flaw = last_flaw
        self._calendar = MarketCalendar.packaged()
        self._whole = SyntheticCandles(self._calendar)
        self.first_day, self.last_day = self._whole.first_day, self._whole.last_day
        self.true_day = lru_cache(maxsize=DAYS_CACHED)(self._true_day)

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        bars = self._whole.minutes(instrument, day)
        chance = Random(f"{instrument.ref}:{day}")  # noqa: S311 - the same flaws each time
        drawn = chance.randrange(100)
        if day > self._last_flaw:
            return bars
        if drawn < EMPTY or not bars:
            return ()
        if drawn < EMPTY + HOLED:
            holes = {chance.randrange(len(bars)) // 10 for _ in range(3)}
            return [bar for place, bar in enumerate(bars) if place // 10 not in holes]
        if drawn < EMPTY + HOLED + BROKEN:
            place = chance.randrange(len(bars))
            low = min(bars[place].open, bars[place].close) - 1
            return [*bars[:place], replace(bars[place], high=low, low=low), *bars[place + 1 :]]
        return bars

    def closing(self, instrument: Instrument, day: date) -> int | None:
        return self._whole.closing(instrument, day)

    def _true_day(self, instrument: Instrument, interval: Interval, day: date) -> TrueDay:
        bars = self._bars(instrument, interval, day)
        sane = [bar for bar in bars if bar.is_sane]
        return TrueDay(sane=to_frame(sane), broken=len(bars) - len(sane))

    def _bars(self, instrument: Instrument, interval: Interval, day: date) -> Sequence[Candle]:
        minutes = self.minutes(instrument, day)
        if not minutes or interval is Interval.ONE_MINUTE:
            return minutes
        if interval.is_daily:
            return [merge(minutes, opens=datetime.combine(day, time(), IST).astimezone(UTC))]
        sessions = self._calendar.sessions(day, instrument.segment)
        opens = [session.opens.astimezone(UTC) for session in sessions]
        return list(aggregate(minutes, span=interval.span, session_opens=opens))
