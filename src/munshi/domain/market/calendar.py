"""When the Indian exchanges trade: holidays, special sessions and hours, from dated tables."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Self

from munshi.clock import IST
from munshi.domain.market.calendar_year import CalendarYear, parse_year
from munshi.domain.market.intervals import Interval
from munshi.domain.market.packaged_data import calendar_documents
from munshi.domain.market.sessions import Segment, Session, SessionKind, regular_hours
from munshi.errors import CalendarInvalidError, CalendarYearUnknownError, DateRangeInvalidError

__all__ = ["MarketCalendar", "Segment", "Session", "SessionKind"]

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


class MarketCalendar:
    """The years it was given and no other: a day in any other year is an error, never a guess."""

    def __init__(self, years: Mapping[int, CalendarYear]) -> None:
        self._years = dict(sorted(years.items()))

    @classmethod
    @cache
    def packaged(cls) -> Self:
        """The calendar that ships with Munshi, read once."""
        return cls(_by_year(calendar_documents()))

    def with_overrides(self, documents: Iterable[Mapping[str, object]]) -> Self:
        """A calendar in which each document replaces its whole year or adds it.

        A document has `year`, `holidays` (rows of date, name, source) and `special_sessions`
        (rows of date, opens, closes, kind, name, source and, if not for all, segment; hours
        are `HH:MM` IST, or both null where they are not known). Raises CalendarInvalidError.
        """
        return type(self)(self._years | _by_year(documents))

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(self._years)

    def sessions(self, day: date, segment: Segment) -> tuple[Session, ...]:
        """The day's sessions in order; none on holidays, weekends and days of unknown hours.

        Raises CalendarYearUnknownError.
        """
        year = self._year(day)
        if day in year.special:
            return tuple(s for s in year.special[day] if s.segment is segment)
        if day.weekday() >= _SATURDAY or day in year.holidays:
            return ()
        hours = regular_hours(day, segment)
        return (
            Session(
                day=day,
                segment=segment,
                opens=datetime.combine(day, hours.opens, IST),
                closes=datetime.combine(day, hours.closes, IST),
                kind=SessionKind.REGULAR,
            ),
        )

    def has_unknown_hours(self, day: date) -> bool:
        """Whether the exchange traded on `day` at hours the calendar does not know.

        Such a day has no sessions and no expected bars here; candles a broker serves for it are
        neither missing nor wrong.
        """
        return self._year(day).special.get(day) == ()

    def is_trading_day(self, day: date) -> bool:
        """Whether any session is known for the day, Muhurat and weekend sessions included."""
        return bool(self.sessions(day, Segment.CASH))

    def is_settlement_day(self, day: date) -> bool:
        """A trading day on which contracts can expire: Muhurat days are holidays for that."""
        return any(s.kind is not SessionKind.MUHURAT for s in self.sessions(day, Segment.FNO))

    def trading_days(self, start: date, end: date) -> list[date]:
        """Trading days from `start` to `end`, both included.

        Raises DateRangeInvalidError for a range backwards, CalendarYearUnknownError.
        """
        if end < start:
            raise DateRangeInvalidError(f"The range ends on {end}, before it starts on {start}.")
        return [day for day in _days(start, end) if self.is_trading_day(day)]

    def previous_trading_day(self, day: date) -> date:
        """The last trading day before `day`."""
        return self._nearest(day, -_ONE_DAY)

    def next_trading_day(self, day: date) -> date:
        """The first trading day after `day`."""
        return self._nearest(day, _ONE_DAY)

    def holiday_name(self, day: date) -> str | None:
        """What the exchange is closed for, also on a Muhurat day; None on other days."""
        return self._year(day).holidays.get(day)

    def bar_opens(self, day: date, interval: Interval, segment: Segment) -> list[datetime]:
        """The stamps of the bars a full day has, aware in IST.

        Bars are counted from the opening of each session, so none spans the pause between two;
        a session's last bar may be short (hourly bars open 09:15 to 15:15). The daily bar is
        stamped 00:00.
        """
        sessions = self.sessions(day, segment)
        if interval.is_daily:
            return [datetime.combine(day, time.min, IST)] if sessions else []
        return [stamp for session in sessions for stamp in _bars(session, interval)]

    def _nearest(self, day: date, step: timedelta) -> date:
        day += step
        while not self.is_trading_day(day):
            day += step
        return day

    def _year(self, day: date) -> CalendarYear:
        found = self._years.get(day.year)
        if found is None:
            raise CalendarYearUnknownError(
                f"The market calendar does not cover {day.year}; it has {self._span()}.",
                hint="Add the exchange's list with `munshi calendar import FILE`.",
            )
        return found

    def _span(self) -> str:
        if not self._years:
            return "no year"
        first, last = min(self._years), max(self._years)
        if len(self._years) == last - first + 1:
            return f"{first} to {last}"
        return ", ".join(map(str, self._years))


def _by_year(documents: Iterable[Mapping[str, object]]) -> dict[int, CalendarYear]:
    found: dict[int, CalendarYear] = {}
    for document in documents:
        year = parse_year(document)
        if year.year in found:
            raise CalendarInvalidError(f"Two documents are for {year.year}.")
        found[year.year] = year
    return found


def _days(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days + 1))


def _bars(session: Session, interval: Interval) -> Iterator[datetime]:
    stamp, span = session.opens, interval.span
    while stamp < session.closes:
        yield stamp
        stamp += span
