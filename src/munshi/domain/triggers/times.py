"""Due at times of day in IST, every day or from Monday to Friday."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.triggers.trigger import listed

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesTrigger:
    """`times` are `HH:MM`, in order; holidays count like other days."""

    kind: ClassVar[str] = "times"
    times: tuple[str, ...]
    weekdays_only: bool = False

    def due_after(self, instant: datetime, calendar: MarketCalendar) -> Iterator[datetime]:  # noqa: ARG002
        day = instant.astimezone(IST).date()
        while True:
            if not (self.weekdays_only and day.weekday() >= _SATURDAY):
                yield from (due for due in at_times(day, self.times) if due > instant)
            day += _ONE_DAY

    def describe(self) -> str:
        days = "Monday to Friday" if self.weekdays_only else "every day"
        return f"at {listed(self.times)} IST, {days}"

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "times": list(self.times),
            "weekdays_only": self.weekdays_only,
        }


def at_times(day: date, times: tuple[str, ...]) -> Iterator[datetime]:
    """`HH:MM` of a day in India, as instants in UTC."""
    for each in times:
        yield datetime.combine(day, time.fromisoformat(each), IST).astimezone(UTC)
