"""One year of the market calendar, read strictly from a document of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise

from munshi.clock import IST
from munshi.domain.market.sessions import Segment, Session, SessionKind
from munshi.errors import CalendarInvalidError

_DOCUMENT_KEYS = {"year", "holidays", "special_sessions"}
_HOLIDAY_KEYS = {"date", "name", "source"}
_SESSION_KEYS = {"date", "opens", "closes", "kind", "name", "source"}
_OPTIONAL = {"confidence", "segment"}
_YEARS = range(1990, 2101)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarYear:
    """Closed days by date, and the sessions of days that do not keep ordinary hours.

    A day in `special` has the sessions listed there and no other; an empty list means that the
    exchange traded at hours we do not know.
    """

    year: int
    holidays: Mapping[date, str]
    special: Mapping[date, tuple[Session, ...]]


def parse_year(document: Mapping[str, object]) -> CalendarYear:
    """Read one year's document. Raises CalendarInvalidError, which names the row at fault."""
    _check_keys(document, required=_DOCUMENT_KEYS, optional=set(), where="The document")
    year = document["year"]
    if not isinstance(year, int) or isinstance(year, bool) or year not in _YEARS:
        raise CalendarInvalidError(f"The year is {year!r}, which is not a year.")
    holidays = _holidays(_rows(document, "holidays"), year=year)
    if not holidays:
        raise CalendarInvalidError(
            f"The calendar for {year} lists no holiday, so every weekday would count as open.",
            hint="List the exchange's holidays of the year.",
        )
    return CalendarYear(
        year=year,
        holidays=holidays,
        special=_special(_rows(document, "special_sessions"), year=year),
    )


def _holidays(rows: list[tuple[str, Mapping[str, object]]], *, year: int) -> dict[date, str]:
    found: dict[date, str] = {}
    for where, row in rows:
        _check_keys(row, required=_HOLIDAY_KEYS, optional={"confidence"}, where=where)
        day = _day(row, year=year, where=where)
        if day in found:
            raise CalendarInvalidError(f"{where} repeats {day}.")
        _text(row, "source", where=where)
        found[day] = _text(row, "name", where=where)
    return found


def _special(
    rows: list[tuple[str, Mapping[str, object]]], *, year: int
) -> dict[date, tuple[Session, ...]]:
    found: dict[date, list[Session]] = {}
    for where, row in rows:
        _check_keys(row, required=_SESSION_KEYS, optional=_OPTIONAL, where=where)
        for key in ("name", "source"):
            _text(row, key, where=where)
        day = _day(row, year=year, where=where)
        sessions = _sessions(row, day=day, where=where)
        if day in found and not (sessions and found[day]):
            raise CalendarInvalidError(f"{where}: {day} has both known and unknown hours.")
        found.setdefault(day, []).extend(sessions)
        _check_no_overlap(found[day], where=where)
    return {
        day: tuple(sorted(sessions, key=lambda session: session.opens))
        for day, sessions in found.items()
    }


def _sessions(row: Mapping[str, object], *, day: date, where: str) -> list[Session]:
    """One session for each segment the row speaks of: all of them where it names none."""
    kind = row["kind"]
    if kind not in (SessionKind.SPECIAL, SessionKind.MUHURAT):
        raise CalendarInvalidError(f"{where}: kind must be special or muhurat, not {kind!r}.")
    segment = row.get("segment")
    if segment is not None and segment not in tuple(Segment):
        known = ", ".join(Segment)
        raise CalendarInvalidError(f"{where}: there is no segment {segment!r}, only {known}.")
    if row["opens"] is None and row["closes"] is None:
        return []
    opens, closes = (_time(row, key, where=where) for key in ("opens", "closes"))
    if opens >= closes:
        raise CalendarInvalidError(f"{where}: it closes at {closes:%H:%M}, before it opens.")
    return [
        Session(
            day=day,
            segment=each,
            opens=datetime.combine(day, opens, IST),
            closes=datetime.combine(day, closes, IST),
            kind=SessionKind(str(kind)),
        )
        for each in ([Segment(str(segment))] if segment else Segment)
    ]


def _check_no_overlap(sessions: list[Session], *, where: str) -> None:
    by_time = sorted(sessions, key=lambda session: (session.segment, session.opens))
    for earlier, later in pairwise(by_time):
        if earlier.segment is later.segment and later.opens < earlier.closes:
            raise CalendarInvalidError(f"{where} overlaps another session of {later.day}.")


def _rows(document: Mapping[str, object], key: str) -> list[tuple[str, Mapping[str, object]]]:
    rows = document[key]
    if not isinstance(rows, list):
        raise CalendarInvalidError(f"{key} must be a list of rows.")
    named = [(f"Row {number} of {key}", row) for number, row in enumerate(rows, start=1)]
    for where, row in named:
        if not isinstance(row, Mapping):
            raise CalendarInvalidError(f"{where} is not an object with named fields.")
    return named


def _check_keys(
    row: Mapping[str, object], *, required: set[str], optional: set[str], where: str
) -> None:
    if missing := required - row.keys():
        raise CalendarInvalidError(f"{where} lacks {', '.join(sorted(missing))}.")
    if unknown := row.keys() - required - optional:
        names = ", ".join(sorted(map(str, unknown)))
        raise CalendarInvalidError(f"{where} has {names}, which a calendar does not have.")


def _day(row: Mapping[str, object], *, year: int, where: str) -> date:
    text = _text(row, "date", where=where)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CalendarInvalidError(f"{where}: {text!r} is not a date like 2026-01-26.") from error
    if day.year != year:
        raise CalendarInvalidError(f"{where}: {day} is not in {year}.")
    return day


def _time(row: Mapping[str, object], key: str, *, where: str) -> time:
    text = row[key]
    try:
        return datetime.strptime(str(text), "%H:%M").time()  # noqa: DTZ007
    except ValueError as error:
        raise CalendarInvalidError(
            f"{where}: {key} is {text!r}, which is not a time like 09:15."
        ) from error


def _text(row: Mapping[str, object], key: str, *, where: str) -> str:
    value = row[key]
    if not isinstance(value, str) or not value.strip():
        raise CalendarInvalidError(f"{where} has no {key}.")
    return value.strip()
