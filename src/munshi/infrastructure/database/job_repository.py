"""SQL for BackgroundJobs and JobAttempts: claimed under a lease, fenced by attempt number."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Update
from sqlalchemy.exc import IntegrityError

from munshi.domain.enums import Service
from munshi.domain.jobs import (
    AttemptOutcome,
    Job,
    JobAttempt,
    JobEnding,
    JobState,
    NewJob,
    check_transition,
)
from munshi.errors import JobAttemptFencedError, JobStateConflictError, JobUnknownError
from munshi.infrastructure.database import job_statements as sql
from munshi.infrastructure.database.job_rows import new_row, to_attempt, to_job

LOGGED_IN = "Logged in."
LOGGED_IN_AND_QUEUED = "Logged in; waiting for a worker."


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSignal:
    """What a worker has to know of a job it runs."""

    job_id: UUID
    attempt: int
    state: JobState
    cancel_requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None means any. `before` is the last job of the page before."""

    states: frozenset[JobState] | None = None
    job_type: str | None = None
    before: tuple[datetime, UUID] | None = None


class JobRepository:
    """Jobs and their attempts. What an older attempt writes is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_job(self, new: NewJob, *, now: datetime) -> Job:
        """Store `new`, or return the live job that already has its idempotency key."""
        row = new_row(new, now=now)
        if new.idempotency_key is None:
            return to_job(self._connection.execute(sql.INSERT, row).one())
        key = {"key": new.idempotency_key}
        if found := self._connection.execute(sql.GET_LIVE_BY_KEY, key).one_or_none():
            return to_job(found)
        try:
            with self._connection.begin_nested():
                return to_job(self._connection.execute(sql.INSERT, row).one())
        except IntegrityError:
            # Another transaction stored a job with this key first.
            found = self._connection.execute(sql.GET_LIVE_BY_KEY, key).one_or_none()
            if found is None:
                raise
            return to_job(found)

    def get_job(self, job_id: UUID) -> Job | None:
        row = self._connection.execute(sql.GET, {"row": job_id}).one_or_none()
        return None if row is None else to_job(row)

    def get_jobs_by_status(self, status: JobState, *, limit: int = 100) -> list[Job]:
        """Newest first."""
        rows = self._connection.execute(sql.BY_STATUS, {"state": status, "most": limit})
        return [to_job(row) for row in rows]

    def list_jobs(self, chosen: JobFilter, *, limit: int) -> list[Job]:
        """Newest first, at most `limit`."""
        given: dict[str, Any] = {}
        values: dict[str, Any] = {"most": limit}
        if chosen.states is not None:
            given["states"] = values["states"] = sorted(chosen.states)
        if chosen.job_type is not None:
            given["job_type"] = values["job_type"] = chosen.job_type
        if chosen.before is not None:
            given["before"] = chosen.before
            values["before_at"], values["before_row"] = chosen.before
        statement = sql.listing(frozenset(given))
        return [to_job(row) for row in self._connection.execute(statement, values)]

    def list_attempts(self, job_id: UUID) -> list[JobAttempt]:
        """Oldest first."""
        rows = self._connection.execute(sql.ATTEMPTS, {"row": job_id})
        return [to_attempt(row) for row in rows]

    def count_attempts(self, job_id: UUID, outcome: AttemptOutcome) -> int:
        found = self._connection.execute(sql.COUNT_ATTEMPTS, {"row": job_id, "how": outcome})
        return int(found.scalar_one())

    def has_due_jobs(self, *, now: datetime) -> bool:
        """Whether a claim would find something."""
        statement = sql.has_due(self._connection.dialect.name)
        return bool(self._connection.execute(statement, {"now": now}).scalar_one())

    def claim_jobs(
        self, worker_id: str, *, limit: int, lease: timedelta, now: datetime
    ) -> list[Job]:
        """Take up to `limit` due jobs, each under a new attempt number and a lease.

        Lowest priority number first, then the longest due. No other worker gets the same ones.
        """
        statement = sql.claim(limit, self._connection.dialect.name)
        rows = self._connection.execute(statement, {"now": now}).all()
        jobs = sorted(map(to_job, rows), key=lambda job: (job.priority, job.run_at, job.job_id))
        if jobs:
            self._connection.execute(
                sql.INSERT_ATTEMPT,
                [
                    {
                        "job_id": job.job_id,
                        "attempt": job.attempt,
                        "worker_id": worker_id,
                        "lease_until": now + lease,
                        "heartbeat_at": now,
                        "started_at": now,
                    }
                    for job in jobs
                ],
            )
        return jobs

    def claim_job(self, worker_id: str, *, lease: timedelta, now: datetime) -> Job | None:
        claimed = self.claim_jobs(worker_id, limit=1, lease=lease, now=now)
        return claimed[0] if claimed else None

    def heartbeat(self, job_id: UUID, attempt: int, *, lease: timedelta, now: datetime) -> None:
        """Extend the lease, in JobAttempts alone.

        Raises JobAttemptFencedError if the attempt is over.
        """
        extended = self._connection.execute(
            sql.HEARTBEAT,
            {"row": job_id, "fence": attempt, "new_lease_until": now + lease, "now": now},
        )
        if extended.rowcount != 1:
            raise _fenced(job_id, attempt)

    def record_progress(
        self, job_id: UUID, attempt: int, *, percent: float, message: str, now: datetime
    ) -> None:
        """Raises JobAttemptFencedError if the attempt is no longer the running one."""
        written = self._connection.execute(
            sql.PROGRESS,
            {
                "row": job_id,
                "fence": attempt,
                "new_percent": percent,
                "new_message": message,
                "now": now,
            },
        )
        if written.rowcount != 1:
            raise _fenced(job_id, attempt)

    def list_signals(self, job_ids: Collection[UUID]) -> list[JobSignal]:
        """What has become of these jobs; one that was deleted is left out."""
        rows = self._connection.execute(sql.SIGNALS, {"rows": list(job_ids)})
        return [
            JobSignal(
                job_id=row.job_id,
                attempt=row.attempt,
                state=JobState(row.status),
                cancel_requested=row.cancel_requested,
            )
            for row in rows
        ]

    def finish(self, job_id: UUID, attempt: int, ending: JobEnding, *, now: datetime) -> Job:
        """End the running attempt; a job told to cancel becomes cancelled instead of going on.

        Raises JobAttemptFencedError if the attempt is no longer the running one.
        """
        row = self._connection.execute(
            sql.leave_running(ending.state),
            {
                "row": job_id,
                "fence": attempt,
                "new_percent": ending.percent,
                "new_message": ending.message,
                "new_result": ending.result,
                "new_error": ending.error,
                "new_run_at": ending.run_at,
                "new_service": ending.waits_for_service,
                "now": now,
            },
        ).one_or_none()
        if row is None:
            raise _fenced(job_id, attempt)
        self._connection.execute(
            sql.CLOSE_ATTEMPT,
            {
                "row": job_id,
                "fence": attempt,
                "how": ending.outcome,
                "why": ending.error,
                "now": now,
            },
        )
        return to_job(row)

    def needs_recovery(self, *, now: datetime) -> bool:
        """Whether a lease has run out, or a job is paused and may have missed its login."""
        return bool(self._connection.execute(sql.NEEDS_RECOVERY, {"now": now}).scalar_one())

    def list_lapsed_jobs(self, *, limit: int = 100, now: datetime) -> list[Job]:
        """Running jobs whose lease has run out, locked against other recoveries and heartbeats."""
        return [
            to_job(row) for row in self._connection.execute(sql.LAPSED, {"most": limit, "now": now})
        ]

    def update_job_status(
        self,
        job_id: UUID,
        status: JobState,
        *,
        message: str | None = None,
        waits_for_service: Service | None = None,
        now: datetime,
    ) -> Job:
        """Move a job that nobody runs; `finish` ends a running one.

        Raises JobUnknownError, or JobStateConflictError if `status` may not follow.
        """
        if status is JobState.RUNNING:
            raise JobStateConflictError("Only a worker's claim makes a job running.")
        values = {
            "row": job_id,
            "new_message": message,
            "new_service": waits_for_service,
            "now": now,
        }
        return self._move(sql.move(status), values, wanted=status)

    def request_cancel(self, job_id: UUID, *, now: datetime) -> Job:
        """Cancel a job; a running one is told, and ends as cancelled at its next progress call.

        Raises JobUnknownError, or JobStateConflictError if the job is over.
        """
        values = {"row": job_id, "now": now}
        return self._move(sql.REQUEST_CANCEL, values, wanted=JobState.CANCELLED)

    def _move(self, statement: Update, values: Mapping[str, Any], *, wanted: JobState) -> Job:
        row = self._connection.execute(statement, values).one_or_none()
        if row is not None:
            return to_job(row)
        found = self.get_job(values["row"])
        if found is None:
            raise JobUnknownError(f"There is no job {values['row']}.", hint="See: munshi jobs list")
        check_transition(found.state, wanted)
        raise JobStateConflictError(f"Job {found.job_id} is {found.state}; it cannot be {wanted}.")

    def resume_paused(self, service: Service, *, now: datetime) -> int:
        """Queue the jobs that waited for a login at `service`; how many there were."""
        values = {"service": service, "new_message": LOGGED_IN_AND_QUEUED, "now": now}
        return self._connection.execute(sql.RESUME_PAUSED, values).rowcount

    def resume_missed(self, *, now: datetime) -> int:
        """Queue paused jobs whose login was stored after their attempt began."""
        values = {"new_message": LOGGED_IN_AND_QUEUED, "now": now}
        return self._connection.execute(sql.RESUME_MISSED, values).rowcount

    def complete_paused_logins(
        self, service: Service, *, result: Mapping[str, object], now: datetime
    ) -> int:
        """The login has happened: paused `auto_login` jobs for `service` have succeeded."""
        return self._connection.execute(
            sql.COMPLETE_PAUSED_LOGINS,
            {"service": service, "new_message": LOGGED_IN, "new_result": result, "now": now},
        ).rowcount

    def resume_after_login(
        self, service: Service, *, result: Mapping[str, object], now: datetime
    ) -> None:
        """In the transaction of a login: complete its jobs with `result`, queue the others."""
        self.complete_paused_logins(service, result=result, now=now)
        self.resume_paused(service, now=now)

    def cleanup_old_jobs(self, *, days: int, now: datetime) -> int:
        """Delete jobs that ended more than `days` days ago, with their attempts; how many."""
        before = now - timedelta(days=days)
        return self._connection.execute(sql.CLEANUP, {"before": before}).rowcount


def _fenced(job_id: UUID, attempt: int) -> JobAttemptFencedError:
    return JobAttemptFencedError(f"Attempt {attempt} of job {job_id} is no longer the running one.")
