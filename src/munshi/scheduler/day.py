"""One day of every schedule: what was done, what runs, what was missed and what comes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from uuid import UUID

from munshi.clock import IST, Clock
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import Execution, ExecutionStatus
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.scheduler.ahead import Ahead
from munshi.scheduler.plan import Planned

# What is due more often a day is told as counts.
MARKS = 24


class RunState(StrEnum):
    """What a due time has come to. running: its job has not ended."""

    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"
    MISSED = "missed"
    NEXT = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRun:
    """One due time; `said` is what became of it, if anything was said."""

    due: datetime
    state: RunState
    job_id: UUID | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDay:
    """A schedule's day. `runs` are in order, none where it is due too often to tell them apart.

    `counts` are of all due times that have passed.
    """

    name: str
    timing: str
    enabled: bool
    runs: tuple[DayRun, ...]
    counts: dict[RunState, int]
    next_due: datetime | None
    error: str | None


class DayService:
    """Each look is one short transaction."""

    def __init__(
        self, database: Database, clock: Clock, *, calendar: Callable[[], MarketCalendar]
    ) -> None:
        self._database = database
        self._clock = clock
        self._calendar = calendar
        self._ahead = Ahead(MARKS + 1)

    def today(self) -> list[ScheduleDay]:
        """The day (IST) of every schedule that is enabled or did something, by name."""
        calendar, now = self._calendar(), self._clock.now()
        start = now.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
        end = start + timedelta(days=1)
        with self._database.reading() as tx:
            planned = self._ahead.planned(tx)
            days = []
            for name in sorted(planned):
                coming = self._ahead.coming(planned[name], calendar, now)
                days.append(_day(tx, planned[name], *coming, start=start, end=end))
        return [day for day in days if day.enabled or day.counts]


def _day(
    tx: Transaction,
    planned: Planned,
    coming: tuple[datetime, ...],
    error: str | None,
    *,
    start: datetime,
    end: datetime,
) -> ScheduleDay:
    found = tx.schedules.list_between(planned.name, start=start, end=end, limit=MARKS + 1)
    past = tuple(_run(each) for each in reversed(found))
    ahead = tuple(
        DayRun(due=due, state=RunState.NEXT) for due in takewhile(lambda due: due < end, coming)
    )
    is_often = len(past) + len(ahead) > MARKS
    counts = _counts(tx, planned.name, start=start, end=end) if is_often else _tally(past, found)
    schedule = planned.schedule
    return ScheduleDay(
        name=planned.name,
        timing="cannot be read" if schedule is None else schedule.trigger.describe(),
        enabled=schedule is not None and schedule.enabled,
        runs=() if is_often else (*past, *ahead),
        counts=counts,
        next_due=coming[0] if coming else None,
        error=error,
    )


def _run(row: Execution) -> DayRun:
    return DayRun(
        due=row.scheduled_for,
        state=run_state(row.status, success=row.success),
        job_id=row.job_id,
        said=row.error_details or row.result_message,
    )


def run_state(status: ExecutionStatus, *, success: bool | None) -> RunState:
    """What a due time's row says of it."""
    if status in {ExecutionStatus.MISSED, ExecutionStatus.GAP}:
        return RunState.MISSED
    if status is ExecutionStatus.FAILED:
        return RunState.FAILED
    if success is None:
        return RunState.RUNNING
    return RunState.DONE if success else RunState.FAILED


def _tally(runs: tuple[DayRun, ...], rows: list[Execution]) -> dict[RunState, int]:
    counts: dict[RunState, int] = {}
    for run, row in zip(runs, reversed(rows), strict=True):
        counts[run.state] = counts.get(run.state, 0) + (row.missed_count or 1)
    return counts


def _counts(tx: Transaction, name: str, *, start: datetime, end: datetime) -> dict[RunState, int]:
    counts: dict[RunState, int] = {}
    outcomes = tx.schedules.count_outcomes(name, start=start, end=end)
    for (status, success), rows in outcomes.items():
        state = run_state(status, success=success)
        counts[state] = counts.get(state, 0) + rows
    return counts
