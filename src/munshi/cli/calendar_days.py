"""Days of the market calendar for the command line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from munshi.bootstrap import Services
from munshi.cli.days import read_day
from munshi.clock import today_ist
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.expiries import ExpiryKind, expiries_between, known_underlyings
from munshi.domain.market.sessions import Segment, Session, SessionKind
from munshi.errors import CalendarInvalidError, CalendarYearUnknownError, DateRangeInvalidError

USUAL_RANGE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day on which something is to be said: a session, a holiday, hours nobody knows."""

    day: date
    sessions: Mapping[Segment, Sequence[Session]]
    holiday: str | None
    hours_unknown: bool
    expiries: Sequence[str] = ()

    def row(self) -> tuple[object, ...]:
        hours = [self._hours(segment) for segment in Segment]
        return (self.day, f"{self.day:%a}", *hours, self.holiday, ", ".join(self.expiries))

    def document(self) -> dict[str, Any]:
        return {
            "day": self.day,
            "holiday": self.holiday,
            "hours_unknown": self.hours_unknown,
            "expiries": list(self.expiries),
            "sessions": [
                {
                    "segment": session.segment.value,
                    "kind": session.kind.value,
                    "opens": session.opens,
                    "closes": session.closes,
                }
                for sessions in self.sessions.values()
                for session in sessions
            ],
        }

    def _hours(self, segment: Segment) -> str:
        if self.hours_unknown:
            return "hours not known"
        return ", ".join(_hours(session) for session in self.sessions[segment])


def days_between(services: Services, start: str | None, end: str | None) -> list[CalendarDay]:
    """Raises DateRangeInvalidError, CalendarYearUnknownError."""
    first = read_day(start) or today_ist(services.clock)
    calendar = services.calendar.calendar()
    last = read_day(end) or _usual_end(calendar, first)
    if last < first:
        raise DateRangeInvalidError(f"The range ends on {last}, before it starts on {first}.")
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    expiries = _expiries(calendar, first, last)
    found = (_describe(calendar, day, expiries.get(day, ())) for day in days)
    return [day for day in found if day.holiday or day.hours_unknown or any(day.sessions.values())]


def read_document(file: Path) -> Mapping[str, object]:
    """Raises CalendarInvalidError."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise CalendarInvalidError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CalendarInvalidError(f"{file} is not text in UTF-8.") from error
    except json.JSONDecodeError as error:
        raise CalendarInvalidError(
            f"{file.name} is not JSON: line {error.lineno}: {error.msg}."
        ) from error
    if not isinstance(document, dict):
        raise CalendarInvalidError(f"{file.name} holds no JSON object with a year.")
    return document


def _usual_end(calendar: MarketCalendar, first: date) -> date:
    """A month later, but not beyond what the calendar knows."""
    ends = [date(year, 12, 31) for year in calendar.years if year >= first.year]
    return min(first + USUAL_RANGE, ends[-1]) if ends else first


def _expiries(calendar: MarketCalendar, first: date, last: date) -> dict[date, list[str]]:
    """What expires on each day: the underlying, and `monthly` where it is that expiry."""
    found: dict[date, list[str]] = {}
    for underlying in known_underlyings():
        monthly = _known_expiries(underlying, first, last, ExpiryKind.MONTHLY, calendar)
        weekly = _known_expiries(underlying, first, last, ExpiryKind.WEEKLY, calendar)
        for day in sorted({*monthly, *weekly}):
            named = f"{underlying} monthly" if day in monthly else underlying
            found.setdefault(day, []).append(named)
    return found


def _known_expiries(
    underlying: str, first: date, last: date, kind: ExpiryKind, calendar: MarketCalendar
) -> list[date]:
    """As far as the calendar knows: an expiry of the next year's first days may move into this."""
    while True:
        try:
            return expiries_between(underlying, first, last, kind=kind, calendar=calendar)
        except CalendarYearUnknownError:
            last -= timedelta(days=1)
            if last < first:
                return []


def _describe(calendar: MarketCalendar, day: date, expiries: Sequence[str]) -> CalendarDay:
    return CalendarDay(
        day=day,
        sessions={segment: calendar.sessions(day, segment) for segment in Segment},
        holiday=calendar.holiday_name(day),
        hours_unknown=calendar.has_unknown_hours(day),
        expiries=expiries,
    )


def _hours(session: Session) -> str:
    kind = "" if session.kind is SessionKind.REGULAR else f" {session.kind}"
    return f"{session.opens:%H:%M}-{session.closes:%H:%M}{kind}"
