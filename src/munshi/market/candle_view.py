"""A stretch of candles as a chart shows it: bounded, on the sessions' grid, with its gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from munshi.clock import IST, Clock
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import CalendarYearUnknownError, DateRangeInvalidError
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import IMPORTED, CandleService
from munshi.market.instruments import InstrumentService
from munshi.market.resample import resample
from munshi.market.session_bars import expected_bars
from munshi.settings import BrokerMode

MOST_BARS = 2000
_DAY_MINUTES = 375
_PRICES = ("open", "high", "low", "close")
Bar = tuple[datetime, float, float, float, float, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleView:
    """`bars` are (opens, open, high, low, close, volume) in rupees, oldest first.

    `gaps` are the opens of bars that the sessions have and nobody holds. They are bars of
    `shown`, which is longer than what is stored where the stretch would be too many; `first` is
    later than asked for where even the longest are.
    """

    series: SeriesSummary
    shown: Interval
    first: date
    last: date
    bars: Sequence[Bar]
    gaps: Sequence[datetime]

    @property
    def is_simulated(self) -> bool:
        return self.series.key.mode is BrokerMode.SIMULATED and self.series.key.source != IMPORTED


class CandleViews:
    """Reads what is stored; nothing is filled in."""

    def __init__(
        self,
        clock: Clock,
        *,
        candles: CandleService,
        instruments: InstrumentService,
        calendar: CalendarService,
    ) -> None:
        self._clock = clock
        self._candles = candles
        self._instruments = instruments
        self._calendar = calendar

    def view(
        self,
        instrument: InstrumentRef,
        interval: Interval,
        *,
        start: date | None = None,
        end: date | None = None,
        source: str | None = None,
    ) -> CandleView:
        """From `start` to `end`, both included; without them the last days that are held.

        Raises InstrumentUnknownError, DateRangeInvalidError, CandleFileDamagedError.
        """
        series = self._candles.find_series(instrument, interval, source=source)
        held_from, held_to = (
            each.astimezone(IST).date() for each in (series.first_open, series.last_open)
        )
        last = min(end or held_to, held_to)
        first = max(start or last - timedelta(days=6), held_from)
        if start is not None and end is not None and end < start:
            raise DateRangeInvalidError(f"The range ends on {end}, before it starts on {start}.")
        if last < first:
            first, last = held_from, min(held_from + timedelta(days=6), held_to)
        shown, first = _longer(interval, first, last)
        frame = self._candles.read(
            series.key,
            start=datetime.combine(first, time.min, IST),
            end=datetime.combine(last + timedelta(days=1), time.min, IST),
        )
        frame = frame.unique("opens", keep="first", maintain_order=True)
        segment, calendar = self._instruments.segment(instrument), self._calendar.calendar()
        gaps: Sequence[datetime] = ()
        try:
            if shown is not interval:
                frame = resample(
                    frame,
                    interval=shown,
                    segment=segment,
                    calendar=calendar,
                    now=self._clock.now(),
                    base=interval,
                )
            expected = expected_bars(
                calendar.trading_days(first, last),
                interval=shown,
                segment=segment,
                calendar=calendar,
                now=self._clock.now(),
            )
            missing = expected.join(frame.select("opens"), on="opens", how="anti").sort("opens")
            gaps = [opens.astimezone(UTC) for opens in missing["opens"]]
        except CalendarYearUnknownError:
            frame = frame.tail(MOST_BARS)
        return CandleView(
            series=series, shown=shown, first=first, last=last, bars=_bars(frame), gaps=gaps
        )


def _longer(stored: Interval, first: date, last: date) -> tuple[Interval, date]:
    """The shortest interval of which the stretch has few enough bars, and where it begins."""
    weekdays = ((last - first).days + 1) * 5 // 7 + 2
    for interval in Interval:
        minutes = interval.minutes or _DAY_MINUTES
        if stored.is_daily != interval.is_daily and stored.is_daily:
            continue
        fits = interval.is_daily or (stored.minutes and minutes % stored.minutes == 0)
        if fits and weekdays * -(-_DAY_MINUTES // minutes) <= MOST_BARS:
            return interval, first
    return Interval.ONE_DAY, last - timedelta(days=MOST_BARS * 7 // 5 - 7)


def _bars(frame: pl.DataFrame) -> list[Bar]:
    prices = frame.select(
        pl.col("opens"), *(pl.col(name) / PRICE_SCALE for name in _PRICES), pl.col("volume")
    )
    return [(row[0].astimezone(UTC), *row[1:]) for row in prices.iter_rows()]
