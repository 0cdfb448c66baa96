"""How people write a point in time in a query."""

import re
from datetime import date, datetime, time
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

from munshi.clock import IST

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# A plus sign in an address arrives as a space unless it is escaped.
_LOST_PLUS = re.compile(r" (\d{2}:?\d{2})$")


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(0), tzinfo=IST)
    return _LOST_PLUS.sub(r"+\1", text)


Moment = Annotated[AwareDatetime, BeforeValidator(_read)]
"""An instant with its zone, or a bare day, which begins at midnight IST."""
