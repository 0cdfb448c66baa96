"""How much of each month is held, series by series, from the manifest and the calendar alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from munshi.clock import IST, Clock
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import CalendarYearUnknownError, InstrumentUnknownError
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.infrastructure.database.engine import Database
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_months import month_ends, months_between
from munshi.market.candles import CandleService
from munshi.market.instruments import InstrumentService


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthHeld:
    """One month (`202403`): bars held, and those that its sessions have until now.

    `expected` is None where the calendar does not know the year, and for a month in which
    nothing is wanted: before the first bar that is held, after a contract's end.
    """

    month: str
    present: int
    expected: int | None

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing is expected."""
        return min(1.0, self.present / self.expected) if self.expected else None

    @property
    def first_day(self) -> date:
        return month_ends(self.month)[0]

    @property
    def last_day(self) -> date:
        return month_ends(self.month)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesHeld:
    """One series with a cell for every month of the map."""

    series: SeriesSummary
    months: tuple[MonthHeld, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMap:
    """Some of the `total` series that fit, over `months`, oldest first."""

    months: tuple[str, ...]
    rows: tuple[SeriesHeld, ...]
    total: int


class CoverageMap:
    """Reads the manifest; no candle file is opened."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        candles: CandleService,
        instruments: InstrumentService,
        calendar: CalendarService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._candles = candles
        self._instruments = instruments
        self._calendar = calendar

    def read(self, *, text: str, first: date, last: date, skip: int, limit: int) -> HeldMap:
        """The months from `first` to `last` of the series whose name holds `text`."""
        wanted = text.upper()
        found = [
            series
            for series in self._candles.coverage()
            if wanted in f"{series.key.exchange}:{series.key.instrument}".upper()
        ]
        shown, months = found[skip : skip + limit], tuple(months_between(first, last))
        calendar, now = self._calendar.calendar(), self._clock.now()
        with self._database.reading() as tx:
            files = [
                tx.candles.list_files(series.key, from_month=months[0], to_month=months[-1])
                for series in shown
            ]
        known: dict[tuple[Segment, Interval, date, date], int | None] = {}
        rows = []
        for series, held in zip(shown, files, strict=True):
            segment, ends = self._bounds(series, now)
            present = {file.month: file.rows for file in held}
            cells = []
            for month in months:
                begin, end = month_ends(month)
                begin = max(begin, series.first_open.astimezone(IST).date())
                key = (segment, series.key.interval, begin, min(end, ends))
                if key not in known:
                    known[key] = _expected(calendar, *key, now=now)
                cells.append(
                    MonthHeld(month=month, present=present.get(month, 0), expected=known[key])
                )
            rows.append(SeriesHeld(series=series, months=tuple(cells)))
        return HeldMap(months=months, rows=tuple(rows), total=len(found))

    def _bounds(self, series: SeriesSummary, now: datetime) -> tuple[Segment, date]:
        ref = InstrumentRef(series.key.exchange, series.key.instrument)
        today = now.astimezone(IST).date()
        try:
            expiry = self._instruments.find(ref).expiry
        except InstrumentUnknownError:
            # In no list any more: a contract that is over, or another desk's import.
            is_over = ref.exchange not in {"NSE", "BSE"}
            expiry = series.last_open.astimezone(IST).date() if is_over else None
        return self._instruments.segment(ref), min(today, expiry or today)


def _expected(
    calendar: MarketCalendar,
    segment: Segment,
    interval: Interval,
    first: date,
    last: date,
    *,
    now: datetime,
) -> int | None:
    """How many bars close from `first` to `last` and by `now`; None for none, or no calendar."""
    if last < first:
        return None
    try:
        days = calendar.trading_days(first, last)
        return sum(_bars_of_day(calendar, day, segment, interval, now) for day in days) or None
    except CalendarYearUnknownError:
        return None


def _bars_of_day(
    calendar: MarketCalendar, day: date, segment: Segment, interval: Interval, now: datetime
) -> int:
    sessions: Sequence[tuple[datetime, datetime]] = [
        (each.opens, each.closes) for each in calendar.sessions(day, segment)
    ]
    instant = now.astimezone(UTC)
    if interval.is_daily:
        return int(bool(sessions) and max(closes for _, closes in sessions) <= instant)
    bars = 0
    for opens, closes in sessions:
        if closes <= instant:
            bars += -(-(closes - opens) // interval.span)
        else:
            bars += max(timedelta(0), instant - opens) // interval.span
    return bars
