"""Days as people type them on the command line."""

from datetime import date
from typing import overload

from munshi.errors import DateRangeInvalidError


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
        return date.fromisoformat(text)
    except ValueError:
        raise DateRangeInvalidError(
            f"{text!r} is not a day.", hint="Write it as 2026-11-20."
        ) from None
