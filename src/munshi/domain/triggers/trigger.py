"""What every kind of trigger can do, and the words that describe them share."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from munshi.domain.market.calendar import MarketCalendar


class Trigger(Protocol):
    """Due times, worked out from the trigger and the calendar alone; no clock is read."""

    def due_after(self, instant: datetime, calendar: MarketCalendar) -> Iterator[datetime]:
        """Every due time later than `instant`, in order, in UTC; usually without end.

        Raises CalendarYearUnknownError on reaching a year that the calendar lacks, where the
        market decides.
        """
        ...

    def describe(self) -> str:
        """The timing in plain words, such as `at 06:15 and 07:35 IST, Monday to Friday`."""
        ...

    def to_json(self) -> dict[str, Any]: ...


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def counted(number: int, unit: str) -> str:
    """`1 minute`, `15 minutes`; `unit` is the word for one."""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def span(seconds: int) -> str:
    """A length of time in the largest unit that divides it: `90 seconds`, `4 hours`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return counted(seconds // size, unit)
    return counted(seconds, "second")
