"""Days as people type them on the command line."""

from datetime import date
from typing import overload

from munshi.errors import DateRangeInvalidError

# As the API has it: beyond them arithmetic on dates ends.
_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)


@overload
def read_day(text: str) -> date: ...
@overload
def read_day(text: None) -> None: ...
@overload
def read_day(text: str | None) -> date | None: ...


def read_day(text: str | None) -> date | None:
    """`2026-11-20`. Raises DateRangeInvalidError."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise DateRangeInvalidError(
            f"{text!r} is not a day.", hint="Write it as 2026-11-20."
        ) from None
    if not _FIRST <= day <= _LAST:
        raise DateRangeInvalidError(
            f"{text!r} lies where no exchange has a day.",
            hint=f"Name a year from {_FIRST.year} to {_LAST.year}.",
        )
    return day
