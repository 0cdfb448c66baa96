"""Jobs as people and other services ask for them: enqueue, look up, list, cancel, retry."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import (
    Job,
    JobArtifact,
    JobAttempt,
    JobLogLine,
    JobState,
    NewJob,
    new_job_id,
)
from munshi.errors import JobUnknownError, RequestInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.acts import audit_new, cancel_in, discard_in, retry_in
from munshi.jobs.artifacts import ArtifactStore
from munshi.jobs.listing import LARGEST_PAGE, JobPage, cursor_after, read_cursor
from munshi.jobs.queues import check_queue
from munshi.jobs.requests import check_key, check_priority, find_spec

_MOST_DAYS = 36_500
_LONGEST_PERIOD = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What may be said beside type and parameters.

    The lower `priority` runs first; a step is worth a minute of waiting. With an
    `idempotency_key` there is one live job, or, with `unique_for`, one in that time.
    `concurrency_key` counts in queues with a limit for each key.
    """

    priority: int = 0
    idempotency_key: str | None = None
    unique_for: timedelta | None = None
    run_at: datetime | None = None
    queue: str | None = None
    concurrency_key: str | None = None
    schedule_name: str | None = None

    def check(self) -> None:
        """Raise RequestInvalidError, in one sentence, if something is out of bounds."""
        check_priority(self.priority)
        check_key("idempotency_key", self.idempotency_key)
        check_key("concurrency_key", self.concurrency_key)
        if self.run_at is not None and self.run_at.tzinfo is None:
            raise RequestInvalidError("run_at needs a time zone.")
        if self.unique_for is not None:
            if self.idempotency_key is None:
                raise RequestInvalidError("unique_for needs an idempotency_key.")
            if not timedelta() < self.unique_for <= _LONGEST_PERIOD:
                raise RequestInvalidError("unique_for must be from a second to 366 days.")


_PLAIN = JobRequest()
# Is handed a job's parameters as its type reads them; raises JobParametersInvalidError.
Door = Callable[[Transaction, Any], None]


class JobService:
    """Stores what is asked for; workers do it. `rouse` tells them, after the commit.

    `doors` look up, by job type, what parameters name, in the transaction that stores the job, so
    that nobody waits for one that cannot run.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        rouse: Callable[[], None] | None = None,
        artifacts: ArtifactStore | None = None,
        doors: Mapping[str, Door] = MappingProxyType({}),
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._rouse = rouse or _nobody
        self._artifacts = artifacts
        self._doors = doors

    def enqueue(
        self,
        job_type: str,
        parameters: Mapping[str, object],
        *,
        actor: Actor,
        request: JobRequest = _PLAIN,
    ) -> Job:
        """Store a job, or return the one that already has its idempotency key.

        Raises JobTypeUnknownError, JobParametersInvalidError, QueueUnknownError or
        RequestInvalidError.
        """
        with self._database.transaction() as tx:
            return self.enqueue_in(tx, job_type, parameters, actor=actor, request=request)

    def enqueue_in(
        self,
        tx: Transaction,
        job_type: str,
        parameters: Mapping[str, object],
        *,
        actor: Actor,
        request: JobRequest = _PLAIN,
        is_audited: bool = True,
    ) -> Job:
        """`enqueue` in the transaction of the change that causes the job: both commit or none.

        Only who keeps a record of its own, as schedules do of their due times, may go without the
        audit row.
        """
        spec = find_spec(self._registry, job_type)
        request.check()
        queue = request.queue or spec.queue
        if queue != spec.queue:
            check_queue(tx, self._registry, queue)
        told = spec.params.from_json(parameters)
        if (check := self._doors.get(job_type)) is not None:
            check(tx, told)
        now = self._clock.now()
        new = NewJob(
            job_id=new_job_id(now),
            job_type=job_type,
            parameters=told.to_json(),
            priority=request.priority,
            max_attempts=spec.max_attempts if spec.idempotent else 1,
            run_at=request.run_at or now,
            created_by=actor.user_id,
            idempotency_key=request.idempotency_key,
            idempotency_until=now + request.unique_for if request.unique_for else None,
            queue=queue,
            concurrency_key=request.concurrency_key,
            schedule_name=request.schedule_name,
        )
        job = tx.jobs.create_job(new, now=now)
        if job.job_id == new.job_id:
            if is_audited:
                audit_new(tx, new, job, actor=actor, now=now)
            tx.after_commit(self._rouse)
        return job

    def get(self, job_id: UUID | str) -> Job:
        """A waiting job shows how far its parts are. Raises JobUnknownError."""
        with self._database.reading() as tx:
            return self._get(tx, job_id)

    def _get(self, tx: Transaction, job_id: UUID | str) -> Job:
        job = tx.jobs.get_job(known_id(job_id))
        if job is None:
            raise _unknown(job_id)
        if job.state is JobState.WAITING:
            percent = tx.jobs.family_progress(job.job_id)
            return job if percent is None else replace(job, progress_percent=percent)
        return job

    def attempts(self, job_id: UUID | str) -> list[JobAttempt]:
        """Every claim of the job, oldest first. Raises JobUnknownError."""
        with self._database.reading() as tx:
            return tx.attempts.list_attempts(self._get(tx, job_id).job_id)

    def log(
        self, job_id: UUID | str, *, after: tuple[int, int] = (0, 0), limit: int = 1000
    ) -> list[JobLogLine]:
        """Oldest first, beyond the attempt and line `after`. Raises JobUnknownError."""
        with self._database.reading() as tx:
            job = self._get(tx, job_id)
            return tx.job_logs.list_lines(job.job_id, after=after, limit=limit)

    def artifacts(self, job_id: UUID | str) -> list[JobArtifact]:
        """The files that the job left, by name. Raises JobUnknownError."""
        with self._database.reading() as tx:
            return tx.job_logs.list_artifacts(self._get(tx, job_id).job_id)

    def read_artifact(self, job_id: UUID | str, name: str) -> tuple[JobArtifact, bytes]:
        """One file with its content.

        Raises JobUnknownError, or JobArtifactInvalidError if it is gone or was changed.
        """
        for artifact in self.artifacts(job_id):
            if artifact.name == name and self._artifacts is not None:
                return artifact, self._artifacts.read(artifact)
        raise JobUnknownError(f"Job {str(job_id)[:60]} has no artifact {name[:100]!r}.")

    def children(self, job_id: UUID | str) -> list[Job]:
        """The parts of the job, in order. Raises JobUnknownError."""
        with self._database.reading() as tx:
            return tx.jobs.list_children(self._get(tx, job_id).job_id)

    def recent(
        self,
        limit: int = 50,
        *,
        states: Collection[JobState] | None = None,
        job_type: str | None = None,
        cursor: str | None = None,
        chosen: JobFilter | None = None,
    ) -> JobPage:
        """Newest first. Raises CursorInvalidError, and RequestInvalidError for a bad limit."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise RequestInvalidError(f"limit must be from 1 to {LARGEST_PAGE}, not {limit}.")
        chosen = replace(
            chosen or JobFilter(), before=None if cursor is None else read_cursor(cursor)
        )
        if states is not None:
            chosen = replace(chosen, states=frozenset(states))
        if job_type is not None:
            chosen = replace(chosen, job_type=job_type)
        with self._database.reading() as tx:
            found = tx.jobs.list_jobs(chosen, limit=limit + 1)
        jobs = tuple(found[:limit])
        more = len(found) > limit
        return JobPage(jobs=jobs, next_cursor=cursor_after(jobs[-1]) if more else None)

    def running(self) -> list[Job]:
        """Newest first."""
        with self._database.reading() as tx:
            return tx.attempts.list_running_jobs(limit=LARGEST_PAGE)

    def cancel(self, job_id: UUID | str, *, actor: Actor) -> Job:
        """Cancel at once, or tell the handler of a running job to stop; its parts likewise.

        Raises JobUnknownError, or JobStateConflictError if the job is over.
        """
        known = known_id(job_id)
        with self._database.transaction() as tx:
            return cancel_in(tx, known, actor=actor, now=self._clock.now())

    def retry(self, job_id: UUID | str, *, actor: Actor) -> Job:
        """Queue a job that stopped without success, with all its tries before it again.

        Raises JobUnknownError, or JobStateConflictError if its state forbids it.
        """
        known = known_id(job_id)
        with self._database.transaction() as tx:
            job = retry_in(tx, known, actor=actor, now=self._clock.now())
            tx.after_commit(self._rouse)
        return job

    def discard(self, job_id: UUID | str, *, actor: Actor) -> None:
        """Delete a completed job for good, with all that is kept of it but the audit trail.

        Raises JobUnknownError, or JobStateConflictError if the job is not over.
        """
        known = known_id(job_id)
        with self._database.transaction() as tx:
            discard_in(tx, known, actor=actor, now=self._clock.now())
        self.sweep_artifacts()

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
        self.sweep_artifacts()
        return count

    def sweep_artifacts(self) -> int:
        """Remove the files of jobs that are gone; of how many jobs."""
        return self._artifacts.sweep() if self._artifacts else 0


def known_id(job_id: UUID | str) -> UUID:
    """Raises JobUnknownError for what is no id."""
    if isinstance(job_id, UUID):
        return job_id
    try:
        return UUID(job_id)
    except ValueError as error:
        raise _unknown(job_id) from error


def _nobody() -> None:
    """There is nobody to rouse."""


def _unknown(job_id: UUID | str) -> JobUnknownError:
    return JobUnknownError(f"There is no job {str(job_id)[:60]}.", hint="See: munshi jobs list")
