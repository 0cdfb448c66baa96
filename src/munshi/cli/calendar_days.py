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
from munshi.domain.market.sessions import Segment, Session, SessionKind
from munshi.errors import CalendarInvalidError, DateRangeInvalidError

USUAL_RANGE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day on which something is to be said: a session, a holiday, hours nobody knows."""

    day: date
    sessions: Mapping[Segment, Sequence[Session]]
    holiday: str | None
    hours_unknown: bool

    def row(self) -> tuple[object, ...]:
        hours = [self._hours(segment) for segment in Segment]
        return (self.day, f"{self.day:%a}", *hours, self.holiday)

    def document(self) -> dict[str, Any]:
        return {
            "day": self.day,
            "holiday": self.holiday,
            "hours_unknown": self.hours_unknown,
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
    last = read_day(end) or first + USUAL_RANGE
    if last < first:
        raise DateRangeInvalidError(f"The range ends on {last}, before it starts on {first}.")
    calendar = services.calendar.calendar()
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    found = (_describe(calendar, day) for day in days)
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


def _describe(calendar: MarketCalendar, day: date) -> CalendarDay:
    return CalendarDay(
        day=day,
        sessions={segment: calendar.sessions(day, segment) for segment in Segment},
        holiday=calendar.holiday_name(day),
        hours_unknown=calendar.has_unknown_hours(day),
    )


def _hours(session: Session) -> str:
    kind = "" if session.kind is SessionKind.REGULAR else f" {session.kind}"
    return f"{session.opens:%H:%M}-{session.closes:%H:%M}{kind}"
