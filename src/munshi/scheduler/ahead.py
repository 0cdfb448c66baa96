"""When schedules are due next, worked out again only once that may have changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.triggers.trigger import Trigger
from munshi.errors import CalendarYearUnknownError
from munshi.infrastructure.database.transaction import Transaction
from munshi.scheduler.plan import Planned, planned_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The next due times as of `since`; `error` says why there are fewer than were asked for."""

    due: tuple[datetime, ...]
    error: str | None
    trigger: Trigger
    calendar: MarketCalendar
    since: datetime

    def holds(self, trigger: Trigger, calendar: MarketCalendar, now: datetime) -> bool:
        """Until the first of them has come, the next ones stay the next ones."""
        is_same = self.trigger is trigger and self.calendar is calendar
        return is_same and bool(self.due) and self.since <= now < self.due[0]


class Ahead:
    """`many` due times of every schedule; pages that are open ask for them every second."""

    def __init__(self, many: int) -> None:
        self._many = many
        self._planned: tuple[int, Mapping[str, Planned]] | None = None
        self._coming: dict[str, Coming] = {}

    def planned(self, tx: Transaction) -> Mapping[str, Planned]:
        """Every schedule by name. `tx` must only read: what it wrote itself is not looked for."""
        revision = tx.config.get_revision()
        known = self._planned
        if known is None or known[0] != revision:
            known = revision, planned_of(tx.config.list_stored())
            self._planned, self._coming = known, {}
        return known[1]

    def coming(
        self, planned: Planned, calendar: MarketCalendar, now: datetime
    ) -> tuple[tuple[datetime, ...], str | None]:
        """The schedule's next due times after `now`, and why there are fewer or none."""
        if planned.schedule is None or not planned.schedule.enabled:
            return (), planned.error
        trigger = planned.schedule.trigger
        known = self._coming.get(planned.name)
        if known is None or not known.holds(trigger, calendar, now):
            known = next_due(trigger, calendar, now, many=self._many)
            self._coming[planned.name] = known
        return known.due, known.error


def next_due(trigger: Trigger, calendar: MarketCalendar, now: datetime, *, many: int) -> Coming:
    """At most `many` due times after `now`."""
    found: list[datetime] = []
    error = None
    try:
        found.extend(islice(trigger.due_after(now, calendar), many))
    except CalendarYearUnknownError as unknown:
        error = str(unknown)
    return Coming(due=tuple(found), error=error, trigger=trigger, calendar=calendar, since=now)
