"""SQL of JobAttempts: jobs claimed under a lease, fenced by attempt number."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from munshi.domain.jobs import Job, JobAttempt, JobEnding, JobState
from munshi.errors import JobAttemptFencedError
from munshi.infrastructure.database import attempt_statements as sql
from munshi.infrastructure.database.job_claim_dialects import DIALECTS
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.job_family import insert_jobs, settle_parent
from munshi.infrastructure.database.job_rows import (
    ended_attempt,
    running_attempt,
    to_attempt,
    to_job,
)
from munshi.infrastructure.database.slot_statements import FREE_SLOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSignal:
    """What a worker has to know of a job it runs."""

    job_id: UUID
    attempt: int
    state: JobState
    cancel_requested: bool


class AttemptRepository:
    """Claims, life signs and ends. What an older attempt writes is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim_jobs(
        self,
        worker_id: str,
        *,
        lanes: Sequence[Lane],
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> list[Job]:
        """Take up to `limit` queued jobs, each under a new attempt number and a lease.

        Those whose turn comes first; no other worker gets the same ones. Places of limited
        queues are not looked at: see `QueueRepository.claim_limited`.
        """
        if not lanes:
            return []
        if driver := DIALECTS.get(self._connection.dialect.name):
            with closing(self._connection.connection.cursor()) as cursor:
                return driver.claim(
                    cursor, lanes, worker_id=worker_id, limit=limit, lease=lease, now=now
                )
        lease_values = {"who": worker_id, "new_lease_until": now + lease, "now": now}
        statement = sql.mssql_claim(limit, len(lanes))
        rows = self._connection.execute(statement, {**_lane_values(lanes), **lease_values}).all()
        return [to_job(row) for row in sorted(rows, key=lambda row: (row.turn_at, row.job_id))]

    def has_due(self, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:
        """Whether a scheduled job's time has come, and whether `claim_jobs` would find one."""
        if driver := DIALECTS.get(self._connection.dialect.name):
            with closing(self._connection.connection.cursor()) as cursor:
                return driver.has_due(cursor, lanes, now=now)
        scheduled = self._connection.execute(sql.HAS_SCHEDULED, {"now": now}).scalar_one()
        queued = (
            lanes
            and self._connection.execute(sql.mssql_has_due(len(lanes)), _lane_values(lanes)).first()
        )
        return bool(scheduled), bool(queued)

    def list_attempts(self, job_id: UUID) -> list[JobAttempt]:
        """Oldest first; the last may be running."""
        ended = [to_attempt(row) for row in self._connection.execute(sql.LIST, {"row": job_id})]
        running = self._connection.execute(sql.RUNNING_ATTEMPT, {"row": job_id}).one_or_none()
        return ended if running is None else [*ended, running_attempt(running)]

    def list_running_jobs(self, *, limit: int) -> list[Job]:
        """Newest first."""
        found = [to_job(row) for row in self._connection.execute(sql.RUNNING, {"most": limit})]
        return sorted(found, key=lambda job: (job.created_at, job.job_id), reverse=True)

    def lock_parent(self, parent_id: UUID) -> None:
        """Before a child's row, as a cancelled family is locked from above."""
        self._connection.execute(sql.LOCK, {"row": parent_id})

    def list_unclaimable(
        self, *, lanes: Sequence[Lane], before: datetime, limit: int = 100
    ) -> list[Job]:
        """Queued jobs whose turn was before `before`, of a queue or a type that is in no lane."""
        values = {
            "queues": sorted({lane.queue for lane in lanes}),
            "types": sorted({lane.job_type for lane in lanes}),
            "before": before,
            "most": limit,
        }
        return [to_job(row) for row in self._connection.execute(sql.UNCLAIMABLE, values)]

    def check_running(self, job_id: UUID, attempt: int) -> None:
        """Lock the job against any other end until this transaction is over.

        Raises JobAttemptFencedError if the attempt is no longer the running one.
        """
        values = {"row": job_id, "fence": attempt}
        if self._connection.execute(sql.STILL_RUNNING, values).one_or_none() is None:
            raise _fenced(job_id, attempt)

    def heartbeat(self, job_id: UUID, attempt: int, *, lease: timedelta, now: datetime) -> None:
        """Extend the lease.

        Raises JobAttemptFencedError if the attempt is over.
        """
        extended = self._connection.execute(
            sql.HEARTBEAT,
            {"row": job_id, "fence": attempt, "new_lease_until": now + lease, "now": now},
        )
        if extended.rowcount != 1:
            raise _fenced(job_id, attempt)

    def record_progress(
        self,
        job_id: UUID,
        attempt: int,
        *,
        percent: float,
        message: str,
        rate: float | None = None,
        now: datetime,
    ) -> None:
        """`rate` in percent a second.

        Raises JobAttemptFencedError if the attempt is no longer the running one.
        """
        written = self._connection.execute(
            sql.PROGRESS,
            {
                "row": job_id,
                "fence": attempt,
                "new_percent": percent,
                "new_rate": rate,
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
        """End the running attempt, give its places back, store children, tell the parent.

        A job told to cancel becomes cancelled instead of going on. Raises JobAttemptFencedError
        if the attempt is no longer the running one.
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
                "new_turn_at": ending.turn_at,
                "more_errors": int(ending.outcome.is_error),
                "more_crashes": int(ending.outcome.is_crash),
                "new_service": ending.waits_for_service,
                "now": now,
            },
        ).one_or_none()
        if row is None:
            raise _fenced(job_id, attempt)
        ended = to_job(row)
        self._connection.execute(
            sql.INSERT, ended_attempt(row, outcome=ending.outcome, error=ending.error, now=now)
        )
        self._connection.execute(FREE_SLOTS, {"row": job_id})
        if ended.state is JobState.WAITING:
            insert_jobs(self._connection, ending.children, now=now)
            # A fan-out into nothing has nothing to wait for.
            settle_parent(self._connection, job_id, now=now)
        elif ended.state.is_final and ended.parent_id is not None:
            settle_parent(self._connection, ended.parent_id, now=now)
        return ended

    def needs_recovery(self, *, now: datetime) -> bool:
        """Whether a lease has run out, or a job is paused and may have missed its login."""
        return bool(self._connection.execute(sql.NEEDS_RECOVERY, {"now": now}).scalar_one())

    def list_lapsed_jobs(self, *, limit: int = 100, now: datetime) -> list[Job]:
        """Running jobs whose lease has run out, locked against other recoveries and heartbeats."""
        return [
            to_job(row) for row in self._connection.execute(sql.LAPSED, {"most": limit, "now": now})
        ]


def _lane_values(lanes: Sequence[Lane]) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, lane in enumerate(lanes):
        values |= {f"queue{number}": lane.queue, f"type{number}": lane.job_type}
    return values


def _fenced(job_id: UUID, attempt: int) -> JobAttemptFencedError:
    return JobAttemptFencedError(f"Attempt {attempt} of job {job_id} is no longer the running one.")
