"""Schedules as people see and change them: list, set, pause, run now, look back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import SCHEDULE_PREFIX, SCHEDULER
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import Execution, ExecutionStatus, Schedule, read_schedule
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES
from munshi.errors import (
    QueueUnknownError,
    RequestInvalidError,
    ScheduleSeededError,
    ScheduleUnknownError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.queues import queue_names
from munshi.jobs.requests import find_spec
from munshi.jobs.service import JobRequest, JobService
from munshi.scheduler.ahead import Ahead, next_due
from munshi.scheduler.plan import Planned, planned_of

RUNS_SHOWN = 5
MISSES_OVER = timedelta(days=30)
LARGEST_PAGE = 500
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_DESCRIPTIONS = {seed.name: seed.description for seed in SEEDED_SCHEDULES}
_TINY = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule with its timing in words, its next runs, its last rows and its recent misses.

    `recent` has the newest due time first, and one row unless more were asked for. `schedule`
    is None where the stored document cannot be read; `error` then says why, or why there are
    fewer next runs than usual. `missed` counts over the last thirty days.
    """

    name: str
    description: str
    version: int
    is_seeded: bool
    schedule: Schedule | None
    timing: str
    next_runs: tuple[datetime, ...]
    recent: tuple[Execution, ...]
    missed: int
    error: str | None

    @property
    def last(self) -> Execution | None:
        return self.recent[0] if self.recent else None

    @property
    def enabled(self) -> bool:
        return self.schedule is not None and self.schedule.enabled


class ScheduleService:
    """Reads and changes schedules; schedulers notice by themselves within a second."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        config: ConfigService,
        jobs: JobService,
        registry: Mapping[str, JobSpec],
        calendar: Callable[[], MarketCalendar],
    ) -> None:
        self._database = database
        self._clock = clock
        self._config = config
        self._jobs = jobs
        self._registry = registry
        self._calendar = calendar
        self._ahead = Ahead(RUNS_SHOWN)

    def cleanup(self, days: int, *, actor: Actor) -> int:
        """Forget due times of more than `days` days ago; how many."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            count = tx.schedules.delete_old_executions(before=now - timedelta(days=days))
            details = {"days": days, "deleted": count}
            tx.audit.log("schedule", "cleanup", details=details, actor=actor, now=now)
        return count

    def list_all(self, *, recent: int = 1) -> list[ScheduleView]:
        """Every schedule, by name, with its last `recent` rows."""
        calendar = self._calendar()
        with self._database.reading() as tx:
            planned = self._ahead.planned(tx)
            return [
                self._view(tx, planned[name], calendar, recent=recent) for name in sorted(planned)
            ]

    def get(self, name: str) -> ScheduleView:
        """Raises ScheduleUnknownError."""
        calendar = self._calendar()
        with self._database.reading() as tx:
            return self._view(tx, _find(tx, name), calendar)

    def preview(self, name: str, document: object) -> ScheduleView:
        """What `set` would make of `document`, and when it would run; nothing is stored.

        Raises as `set` does.
        """
        schedule = self._checked(name, document)
        coming = next_due(schedule.trigger, self._calendar(), self._clock.now(), many=RUNS_SHOWN)
        return ScheduleView(
            name=name,
            description=_DESCRIPTIONS.get(name, ""),
            version=0,
            is_seeded=name in _DESCRIPTIONS,
            schedule=schedule,
            timing=schedule.trigger.describe(),
            next_runs=coming.due,
            recent=(),
            missed=0,
            error=coming.error,
        )

    def set(
        self, name: str, document: object, *, expected_version: int | None = None, actor: Actor
    ) -> ScheduleView:
        """Store a schedule, with history and audit.

        Raises RequestInvalidError for a name that is none, ConfigValueInvalidError for what can
        never be due or is not understood, JobTypeUnknownError, JobParametersInvalidError,
        QueueUnknownError and ConfigVersionConflictError.
        """
        schedule = self._checked(name, document)
        self._save(name, schedule.to_json(), expected_version, actor)
        return self.get(name)

    def pause(self, name: str, *, actor: Actor) -> ScheduleView:
        """Start nothing more until it is resumed. Raises ScheduleUnknownError."""
        return self._enable(name, enabled=False, actor=actor)

    def resume(self, name: str, *, actor: Actor) -> ScheduleView:
        """Count from now on; what was due meanwhile was not missed. Raises ScheduleUnknownError."""
        return self._enable(name, enabled=True, actor=actor)

    def remove(self, name: str, *, actor: Actor) -> None:
        """Forget a schedule; what it did stays on record.

        Raises ScheduleUnknownError, and ScheduleSeededError for one that Munshi brings.
        """
        found = self.get(name)
        if found.is_seeded:
            raise ScheduleSeededError(
                f"{name} comes with Munshi.", hint=f"Pause it: munshi schedule pause {name}"
            )
        self._save(name, None, found.version, actor)

    def run(self, name: str, *, actor: Actor) -> Job:
        """Ask for the schedule's job now, whatever it says of when, paused or not.

        Raises ScheduleUnknownError, and what `set` raises where the job cannot be made.
        """
        with self._database.transaction() as tx:
            planned = _find(tx, name)
            if planned.schedule is None:
                raise RequestInvalidError(f"{name} cannot be started: {planned.error}")
            row, due = None, self._clock.now()
            while row is None:
                row = tx.schedules.save_execution(
                    name,
                    ExecutionStatus.ON_DEMAND,
                    scheduled_for=due,
                    result_message=f"Asked for by {actor.user_id}.",
                )
                due += _TINY
            job = self._jobs.enqueue_in(
                tx,
                planned.schedule.job_type,
                planned.schedule.parameters,
                actor=actor,
                request=JobRequest(
                    priority=planned.schedule.priority,
                    queue=planned.schedule.queue,
                    schedule_name=name,
                ),
            )
            tx.schedules.give_job(row, job.job_id)
        return job

    def history(
        self, name: str, limit: int = 50, *, before: datetime | None = None
    ) -> list[Execution]:
        """What the schedule did, the newest due time first; also of one that was removed.

        Raises ScheduleUnknownError if there never was one, RequestInvalidError for a bad limit.
        """
        if not 1 <= limit <= LARGEST_PAGE:
            raise RequestInvalidError(f"limit must be from 1 to {LARGEST_PAGE}, not {limit}.")
        with self._database.reading() as tx:
            found = tx.schedules.list_executions(name, before=before, limit=limit)
            if not found:
                _find(tx, name)
            return found

    def _enable(self, name: str, *, enabled: bool, actor: Actor) -> ScheduleView:
        found = self.get(name)
        if found.schedule is None:
            raise RequestInvalidError(f"{name} cannot be changed so: {found.error}")
        if found.enabled == enabled:
            return found
        document = {**found.schedule.to_json(), "enabled": enabled}
        self._save(name, document, found.version, actor)
        return self.get(name)

    def _save(
        self, name: str, document: object, expected_version: int | None, actor: Actor
    ) -> None:
        self._config.set(
            SCHEDULER,
            SCHEDULE_PREFIX + name,
            document,
            expected_version=expected_version,
            actor=actor,
        )

    def _checked(self, name: str, document: object) -> Schedule:
        if not _NAME.fullmatch(name):
            raise RequestInvalidError(
                f"{name[:80]!r} is no name for a schedule.",
                hint="Small letters, digits and _, a letter first, 61 at most.",
            )
        schedule = read_schedule(name, document)
        spec = find_spec(self._registry, schedule.job_type)
        spec.params.from_json(schedule.parameters)
        if schedule.queue is not None:
            self._check_queue(schedule.queue)
        return schedule

    def _check_queue(self, queue: str) -> None:
        with self._database.reading() as tx:
            names = queue_names(tx, self._registry)
        if queue not in names:
            raise QueueUnknownError(
                f"There is no queue {queue!r}; there are {', '.join(names)}.",
                hint=f"Make one: munshi config set jobs queue.{queue} '{{}}'",
            )

    def _view(
        self, tx: Transaction, planned: Planned, calendar: MarketCalendar, *, recent: int = 1
    ) -> ScheduleView:
        now = self._clock.now()
        schedule = planned.schedule
        next_runs, error = self._ahead.coming(planned, calendar, now)
        return ScheduleView(
            name=planned.name,
            description=_DESCRIPTIONS.get(planned.name, ""),
            version=planned.version,
            is_seeded=planned.name in _DESCRIPTIONS,
            schedule=schedule,
            timing="cannot be read" if schedule is None else schedule.trigger.describe(),
            next_runs=next_runs,
            recent=tuple(tx.schedules.list_executions(planned.name, limit=recent)),
            missed=tx.schedules.count_missed(planned.name, since=now - MISSES_OVER),
            error=error,
        )


def _find(tx: Transaction, name: str) -> Planned:
    planned = planned_of(tx.config.list_stored())
    if name in planned:
        return planned[name]
    near = get_close_matches(name, planned, n=2, cutoff=0.5)
    raise ScheduleUnknownError(
        f"There is no schedule {name[:80]!r}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "See: munshi schedule list",
    )
