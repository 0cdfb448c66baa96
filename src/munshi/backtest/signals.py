"""The weekly signals on the bars that are stored, without trading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from munshi.clock import IST, Clock
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.signals.evaluation import WeekOutcome, evaluate
from munshi.domain.signals.parameters import SignalParameters
from munshi.errors import BacktestDataMissingError, DateRangeInvalidError, InstrumentUnknownError
from munshi.infrastructure.candles.frames import to_candles
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.instruments import InstrumentService
from munshi.market.quality import DayCoverage, coverage
from munshi.market.resample import resample

# Beyond lie days that have no week before or no next day.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
_ONE_DAY, _ONE_WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReport:
    """Every week that touches the range. `bars` are hourly, from the week before on.

    `missing_days` hold no bar at all, `partial_days` some of those that have closed.
    """

    instrument: InstrumentRef
    made_from: Interval
    label: str
    weeks: tuple[WeekOutcome, ...]
    bars: tuple[Candle, ...]
    missing_days: tuple[date, ...]
    partial_days: tuple[DayCoverage, ...]


class SignalService:
    """Reads only; nothing is filled in and nothing is asked of a broker."""

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

    def evaluate(
        self,
        instrument: InstrumentRef,
        *,
        start: date,
        end: date,
        parameters: SignalParameters,
        source: str | None = None,
    ) -> SignalReport:
        """The signals from the week of `start` to `end`, both included.

        Raises DateRangeInvalidError, InstrumentUnknownError, BacktestDataMissingError,
        CalendarYearUnknownError.
        """
        if end < start:
            raise DateRangeInvalidError(f"The range ends on {end}, before it starts on {start}.")
        if start < _FIRST_DAY or end > _LAST_DAY:
            raise DateRangeInvalidError(
                f"The range must lie between {_FIRST_DAY} and {_LAST_DAY}, not from {start} to "
                f"{end}."
            )
        calendar, now = self._calendar.calendar(), self._clock.now()
        first = start - timedelta(days=start.weekday()) - _ONE_WEEK
        series = self._series(instrument, source)
        segment, base = self._instruments.segment(instrument), series.key.interval
        frame = self._candles.read(
            series.key,
            start=datetime.combine(first, time.min, IST),
            end=datetime.combine(end + _ONE_DAY, time.min, IST),
        )
        if frame.is_empty():
            raise BacktestDataMissingError(
                f"No {base} bars of {instrument} are stored from {first} to {end}.",
                hint=f'Collect them: munshi data collect "{instrument}"',
            )
        held = coverage(
            frame,
            start=first,
            end=end,
            interval=base,
            segment=segment,
            calendar=calendar,
            now=now,
        )
        hourly = resample(
            frame,
            interval=Interval.ONE_HOUR,
            segment=segment,
            calendar=calendar,
            now=now,
            base=base,
        )
        bars = tuple(to_candles(hourly))
        found = {week.monday: week for week in evaluate(bars, parameters, calendar)}
        lacking = [day for day in held.days if day.present < day.expected]
        return SignalReport(
            instrument=instrument,
            made_from=base,
            label=series.label,
            weeks=tuple(_every_week(first, end, found, calendar)),
            bars=bars,
            missing_days=tuple(day.day for day in lacking if not day.present),
            partial_days=tuple(day for day in lacking if day.present),
        )

    def _series(self, instrument: InstrumentRef, source: str | None) -> SeriesSummary:
        """Minutes, or else the bars of five."""
        try:
            return self._candles.find_series(instrument, Interval.ONE_MINUTE, source=source)
        except InstrumentUnknownError as no_minutes:
            try:
                return self._candles.find_series(instrument, Interval.FIVE_MINUTES, source=source)
            except InstrumentUnknownError:
                raise no_minutes from None


def _every_week(
    first: date, end: date, found: Mapping[date, WeekOutcome], calendar: MarketCalendar
) -> Iterator[WeekOutcome]:
    """A week without any bar is told as one that could not be judged."""
    monday = first + _ONE_WEEK
    while monday <= end:
        if monday in found:
            yield found[monday]
        elif calendar.trading_days(monday, min(end, monday + 6 * _ONE_DAY)):
            yield WeekOutcome(
                monday=monday,
                not_evaluated="There are no bars of this week, or none of any week before.",
            )
        monday += _ONE_WEEK
