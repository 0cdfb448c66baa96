"""How people write days and points in time."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from munshi.clock import IST

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# A plus sign in an address arrives as a space unless it is escaped.
_LOST_PLUS = re.compile(r" (\d{2}:?\d{2})$")
# Wide enough for every exchange and every plan, and far from where arithmetic on dates ends.
_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(0), tzinfo=IST)
    return _LOST_PLUS.sub(r"+\1", text)


def _sensible_day(day: date) -> date:
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"the year must be from {_FIRST.year} to {_LAST.year}")
    return day


def _sensible(instant: datetime) -> datetime:
    _sensible_day(instant.date())
    return instant.astimezone(UTC)


Day = Annotated[date, AfterValidator(_sensible_day)]
Moment = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(_sensible)]
"""An instant with its zone, or a bare day, which begins at midnight IST."""
