"""Due by a cron expression in a time zone, through daylight saving as Debian's cron does it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.errors import ConfigValueInvalidError

_FIELDS = 5
_DAY, _MONTH = 2, 3
# Whether an expression can ever be due does not depend on today.
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_HINT = "Five fields: minute, hour, day of month, month, day of week, as in 15 6 * * 1-5."


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTrigger:
    """A time that a clock change skips is due right after it, and a repeated one is due once.

    Where minute or hour is a star the beat simply goes on, as elapsed time does.
    """

    kind: ClassVar[str] = "cron"
    expression: str
    zone: str = IST.key

    def due_after(self, instant: datetime, calendar: MarketCalendar) -> Iterator[datetime]:  # noqa: ARG002
        last = instant
        for local in CronSim(self.expression, instant.astimezone(ZoneInfo(self.zone))):
            due = local.astimezone(UTC)
            # In a repeated hour the local clock has been here before.
            if due > last:
                last = due
                yield due

    def describe(self) -> str:
        zone = "IST" if self.zone == IST.key else self.zone
        return f"{_explained(self.expression)} ({zone})"

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "expression": self.expression, "zone": self.zone}


@lru_cache(maxsize=256)
def _explained(expression: str) -> str:
    said = CronSim(expression, _ANY_DAY).explain()
    return f"{said[:1].lower()}{said[1:]}"


def check_expression(expression: str, *, name: str) -> None:
    """Raise ConfigValueInvalidError for what cannot be read, and for what is never due."""
    fields = expression.split()
    if len(fields) != _FIELDS:
        raise ConfigValueInvalidError(
            f"{name} {expression!r} has {len(fields)} fields instead of five.", hint=_HINT
        )
    try:
        found = next(CronSim(expression, _ANY_DAY), None)
    except CronSimError as error:
        if _reads_in_any_month(fields):
            raise _never(name, expression) from None
        part = str(error).removeprefix("Bad ")
        raise ConfigValueInvalidError(
            f"{name} {expression!r} has a {part} that cannot be read.", hint=_HINT
        ) from None
    if found is None:
        raise _never(name, expression)


def check_zone(zone: str, *, name: str) -> None:
    """Raise ConfigValueInvalidError unless there is such a time zone."""
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise ConfigValueInvalidError(
            f"{name} {zone!r} is no time zone.", hint="As in Asia/Kolkata or Europe/London."
        ) from None


def _reads_in_any_month(fields: list[str]) -> bool:
    """Whether only day and month together are wrong, as in 31 February."""
    fields = [*fields[:_MONTH], "*", *fields[_MONTH + 1 :]]
    try:
        CronSim(" ".join(fields), _ANY_DAY)
    except CronSimError:
        return False
    return True


def _never(name: str, expression: str) -> ConfigValueInvalidError:
    return ConfigValueInvalidError(
        f"{name} {expression!r} is never due: no day is like that.", hint=_HINT
    )
