"""What the configuration says of each schedule, and where its cursor should therefore stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from munshi.domain.config import ConfigChange, ConfigEntry
from munshi.domain.config_keys import SCHEDULE_PREFIX, SCHEDULER, keys_of_type
from munshi.domain.due_runs import Gap, gather, missed_runs
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import Schedule, ScheduleCursor, read_schedule
from munshi.errors import AppError
from munshi.infrastructure.causes import cause

# A clock that steps back by less is waited for; by more, and its time is lived through again.
PATIENCE = timedelta(minutes=1)
_DEFAULTS = {key.name: key.default for key in keys_of_type(SCHEDULER) if key.is_seeded}
CHANGED = "The schedule was changed before a scheduler came to start this."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A schedule as stored since `since`; `error` instead of `schedule` where it cannot be read."""

    name: str
    version: int
    since: datetime
    schedule: Schedule | None
    error: str | None = None

    @property
    def key(self) -> str:
        return SCHEDULE_PREFIX + self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A cursor to move, what was missed under older versions, and why there is no next run."""

    planned: Planned
    seen: ScheduleCursor | None
    cursor: ScheduleCursor
    missed: tuple[Gap, ...] = ()
    error: str | None = None


def planned_of(entries: Sequence[ConfigEntry]) -> dict[str, Planned]:
    """Every schedule there is, by name. A removed one that Munshi brings is as it was brought."""
    found = (
        _planned(
            entry.config_key,
            entry.value if entry.is_active else None,
            version=entry.version,
            since=entry.updated_at,
        )
        for entry in entries
        if entry.config_type == SCHEDULER and entry.config_key.startswith(SCHEDULE_PREFIX)
    )
    return {planned.name: planned for planned in found if planned is not None}


def plan(
    planned: Planned,
    seen: ScheduleCursor | None,
    history: Sequence[ConfigChange],
    *,
    calendar: MarketCalendar,
    now: datetime,
) -> Change | None:
    """How the cursor must move; None if it stands well, or is ahead of what we have read.

    `history` is that of the schedule's configuration, newest first, and only looked at where the
    cursor belongs to an older version.
    """
    missed: tuple[Gap, ...] = ()
    if seen is None:
        done = min(planned.since, now)
    elif seen.config_version > planned.version:
        return None
    elif seen.config_version == planned.version:
        done = now if seen.done_until > now + PATIENCE else seen.done_until
    else:
        since, missed = _take_over(planned, seen, history, calendar)
        done = min(since, now)
    next_due, error = next_run(planned, after=done, calendar=calendar)
    cursor = ScheduleCursor(
        job_name=planned.name, config_version=planned.version, done_until=done, next_due=next_due
    )
    if cursor == seen:
        return None
    return Change(planned=planned, seen=seen, cursor=cursor, missed=missed, error=error)


def next_run(
    planned: Planned, *, after: datetime, calendar: MarketCalendar
) -> tuple[datetime | None, str | None]:
    """The next due time, or why there is none; neither where the schedule is not enabled."""
    if planned.schedule is None:
        return None, planned.error
    if not planned.schedule.enabled:
        return None, None
    try:
        return next(planned.schedule.trigger.due_after(after, calendar), None), None
    except Exception as error:  # noqa: BLE001 - one bad schedule must not stop the others
        return None, cause(error)


def _take_over(
    planned: Planned,
    seen: ScheduleCursor,
    history: Sequence[ConfigChange],
    calendar: MarketCalendar,
) -> tuple[datetime, tuple[Gap, ...]]:
    """From when on the new version counts, and what older ones missed since the cursor moved.

    A change that leaves the timing alone takes over what its forerunner left undone.
    """
    since, is_same = planned.since, True
    missed: list[Gap] = []
    for newer, older in pairwise(history):
        if newer.updated_at <= seen.done_until:
            break
        start = max(older.updated_at, seen.done_until)
        before = _planned(
            planned.key,
            older.value if older.is_active else None,
            version=older.version,
            since=older.updated_at,
        )
        is_same = is_same and before is not None and _timing(before) == _timing(planned)
        if is_same:
            since = start
        elif before is not None:
            missed = [*_missed_by(before, start, newer.updated_at, calendar), *missed]
    return since, tuple(missed)


def _missed_by(
    older: Planned, after: datetime, until: datetime, calendar: MarketCalendar
) -> tuple[Gap, ...]:
    if older.schedule is None or not older.schedule.enabled:
        return ()
    batch = gather(older.schedule.trigger, after=after, until=until, calendar=calendar)
    return missed_runs(batch, reason=lambda _: CHANGED)


def _timing(planned: Planned) -> Mapping[str, Any] | None:
    schedule = planned.schedule
    return schedule.trigger.to_json() if schedule is not None and schedule.enabled else None


def _planned(key: str, value: Any, *, version: int, since: datetime) -> Planned | None:  # noqa: ANN401
    document = _DEFAULTS.get(key) if value is None else value
    if document is None:
        return None
    name = key.removeprefix(SCHEDULE_PREFIX)
    schedule, said = None, None
    try:
        schedule = read_schedule(name, document)
    except AppError as error:
        said = str(error)
    return Planned(name=name, version=version, since=since, schedule=schedule, error=said)
