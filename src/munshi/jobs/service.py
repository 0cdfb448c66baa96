"""Jobs as people and other services ask for them: enqueue, look up, list, cancel, clean up."""

import difflib
import json
import threading
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job, JobAttempt, JobState, NewJob
from munshi.errors import JobTypeUnknownError, JobUnknownError, RequestInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.endings import held_alert
from munshi.jobs.listing import LARGEST_PAGE, JobPage, cursor_after, read_cursor

_PRIORITIES = range(-100, 101)
_KEY_LENGTH = 200
_MOST_DAYS = 36_500


class JobService:
    """Stores what is asked for; workers do it. `wake` rouses the worker of this process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        wake: threading.Event | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._wake = wake or threading.Event()

    def enqueue(
        self,
        job_type: str,
        parameters: Mapping[str, object],
        *,
        actor: Actor,
        priority: int = 0,
        idempotency_key: str | None = None,
        run_at: datetime | None = None,
    ) -> Job:
        """Store a job, or return the live one with the same idempotency key.

        The lower `priority` runs first. Raises JobTypeUnknownError, JobParametersInvalidError
        or RequestInvalidError.
        """
        with self._database.transaction() as tx:
            job = self.enqueue_in(
                tx,
                job_type,
                parameters,
                actor=actor,
                priority=priority,
                idempotency_key=idempotency_key,
                run_at=run_at,
            )
        self._wake.set()
        return job

    def enqueue_in(
        self,
        tx: Transaction,
        job_type: str,
        parameters: Mapping[str, object],
        *,
        actor: Actor,
        priority: int = 0,
        idempotency_key: str | None = None,
        run_at: datetime | None = None,
        queue: str | None = None,
        schedule_name: str | None = None,
    ) -> Job:
        """`enqueue` in the transaction of the change that causes the job: both commit or none."""
        spec = self._spec(job_type)
        if priority not in _PRIORITIES:
            raise RequestInvalidError(f"priority must be from -100 to 100, not {priority}.")
        if idempotency_key is not None and not 1 <= len(idempotency_key) <= _KEY_LENGTH:
            raise RequestInvalidError(f"An idempotency key has 1 to {_KEY_LENGTH} characters.")
        if run_at is not None and run_at.tzinfo is None:
            raise RequestInvalidError("run_at needs a time zone.")
        now = self._clock.now()
        new = NewJob(
            job_id=uuid4(),
            job_type=job_type,
            parameters=spec.params.from_json(parameters).to_json(),
            priority=priority,
            max_attempts=spec.max_attempts if spec.idempotent else 1,
            run_at=run_at or now,
            created_by=actor.user_id,
            idempotency_key=idempotency_key,
            queue=queue or spec.queue,
            schedule_name=schedule_name,
        )
        job = tx.jobs.create_job(new, now=now)
        if job.job_id == new.job_id:
            details = {"job_type": job_type, "parameters": json.dumps(new.parameters)}
            tx.audit.log_job_action(job.job_id, "enqueue", details=details, actor=actor, now=now)
        return job

    def _spec(self, job_type: str) -> JobSpec:
        if spec := self._registry.get(job_type):
            return spec
        near = difflib.get_close_matches(job_type, self._registry, n=3, cutoff=0.3)
        raise JobTypeUnknownError(
            f"There is no job type {job_type!r}.",
            hint=f"Did you mean {' or '.join(near)}?"
            if near
            else f"The job types are {', '.join(sorted(self._registry))}.",
        )

    def get(self, job_id: UUID | str) -> Job:
        """Raises JobUnknownError."""
        known = _job_id(job_id)
        with self._database.reading() as tx:
            job = tx.jobs.get_job(known)
        if job is None:
            raise _unknown(job_id)
        return job

    def attempts(self, job_id: UUID | str) -> list[JobAttempt]:
        """Every claim of the job, oldest first. Raises JobUnknownError."""
        known = _job_id(job_id)
        with self._database.reading() as tx:
            if tx.jobs.get_job(known) is None:
                raise _unknown(job_id)
            return tx.jobs.list_attempts(known)

    def recent(
        self,
        limit: int = 50,
        *,
        states: Collection[JobState] | None = None,
        job_type: str | None = None,
        cursor: str | None = None,
    ) -> JobPage:
        """Newest first. Raises CursorInvalidError, and RequestInvalidError for a bad limit."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise RequestInvalidError(f"limit must be from 1 to {LARGEST_PAGE}, not {limit}.")
        chosen = JobFilter(
            states=None if states is None else frozenset(states),
            job_type=job_type,
            before=None if cursor is None else read_cursor(cursor),
        )
        with self._database.reading() as tx:
            found = tx.jobs.list_jobs(chosen, limit=limit + 1)
        jobs = tuple(found[:limit])
        more = len(found) > limit
        return JobPage(jobs=jobs, next_cursor=cursor_after(jobs[-1]) if more else None)

    def running(self) -> list[Job]:
        """Newest first."""
        with self._database.reading() as tx:
            return tx.jobs.get_jobs_by_status(JobState.RUNNING, limit=LARGEST_PAGE)

    def cancel(self, job_id: UUID | str, *, actor: Actor) -> Job:
        """Cancel at once, or tell the handler of a running job to stop.

        Raises JobUnknownError, or JobStateConflictError if the job is over.
        """
        known = _job_id(job_id)
        now = self._clock.now()
        with self._database.transaction() as tx:
            job = tx.jobs.request_cancel(known, now=now)
            tx.alerts.resolve_alert(held_alert(job), now=now)
            details = {"job_type": job.job_type, "state": str(job.state)}
            tx.audit.log_job_action(known, "cancel", details=details, actor=actor, now=now)
        return job

    def cleanup(self, days: int, *, actor: Actor) -> int:
        """Delete jobs that ended more than `days` days ago; how many.

        Raises RequestInvalidError for a negative number.
        """
        if not 0 <= days <= _MOST_DAYS:
            raise RequestInvalidError(f"days must be from 0 to {_MOST_DAYS}, not {days}.")
        now = self._clock.now()
        with self._database.transaction() as tx:
            count = tx.jobs.cleanup_old_jobs(days=days, now=now)
            details = {"days": days, "deleted": count}
            tx.audit.log("job", "cleanup", details=details, actor=actor, now=now)
        return count

    def resume_paused(self, tx: Transaction, service: Service, now: datetime) -> int:
        """Queue the jobs that wait for a login at `service`, in the login's transaction."""
        count = tx.jobs.resume_paused(service, now=now)
        self._wake.set()
        return count

    def complete_paused_logins(
        self, tx: Transaction, service: Service, result: Mapping[str, object], now: datetime
    ) -> int:
        """Complete paused `auto_login` jobs with `result`, in the login's transaction."""
        return tx.jobs.complete_paused_logins(service, result=result, now=now)


def _job_id(job_id: UUID | str) -> UUID:
    if isinstance(job_id, UUID):
        return job_id
    try:
        return UUID(job_id)
    except ValueError as error:
        raise _unknown(job_id) from error


def _unknown(job_id: UUID | str) -> JobUnknownError:
    return JobUnknownError(f"There is no job {str(job_id)[:60]}.", hint="See: munshi jobs list")
