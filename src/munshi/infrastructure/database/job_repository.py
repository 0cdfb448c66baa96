"""SQL for BackgroundJobs: stored, found, moved by people and by the desk, cleaned up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Update
from sqlalchemy.exc import IntegrityError

from munshi.domain.enums import Service
from munshi.domain.jobs import PRIORITY_STEP, Job, JobState, NewJob, check_transition
from munshi.errors import JobStateConflictError, JobUnknownError
from munshi.infrastructure.database import job_family
from munshi.infrastructure.database import job_statements as sql
from munshi.infrastructure.database.job_rows import new_row, to_job

LOGGED_IN = "Logged in."
LOGGED_IN_AND_QUEUED = "Logged in; waiting for a worker."
_CHUNK = 500
RETRIED = "Tried again by a person; waiting for a worker."


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are meant; None means any.

    `said` is a text in the error or the message. `before` is the last job of the page before.
    """

    states: frozenset[JobState] | None = None
    job_type: str | None = None
    queue: str | None = None
    schedule_name: str | None = None
    parent_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    said: str | None = None
    is_imported: bool | None = None
    before: tuple[datetime, UUID] | None = None

    def given(self) -> dict[str, Any]:
        """The conditions that were set and are bound; states are written out in the SQL."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        imported = named.pop("is_imported")
        if imported is not None:
            named["imported" if imported else "own"] = True
        return {
            name: value for name, value in named.items() if value is not None and name != "states"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCount:
    """How many jobs of a type are in a state."""

    job_type: str
    state: JobState
    jobs: int


class JobRepository:
    """Jobs as they are asked for; `AttemptRepository` runs them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_job(self, new: NewJob, *, now: datetime) -> Job:
        """Store `new`, or return the job that already has its idempotency key.

        That is a live one, or any one made with a period that is not over.
        """
        row = new_row(new, now=now)
        if new.idempotency_key is None:
            return to_job(self._connection.execute(sql.INSERT, row).one())
        if found := self._by_key(new.idempotency_key, now=now):
            return found
        try:
            with self._connection.begin_nested():
                return to_job(self._connection.execute(sql.INSERT, row).one())
        except IntegrityError:
            # Another transaction stored a job with this key first.
            if found := self._by_key(new.idempotency_key, now=now):
                return found
            raise

    def _by_key(self, idempotency_key: str, *, now: datetime) -> Job | None:
        key = {"key": idempotency_key}
        if row := self._connection.execute(sql.GET_LIVE_BY_KEY, key).one_or_none():
            return to_job(row)
        self._connection.execute(sql.FORGET_KEY, {**key, "now": now})
        row = self._connection.execute(sql.GET_KEPT_BY_KEY, {**key, "now": now}).one_or_none()
        return None if row is None else to_job(row)

    def get_job(self, job_id: UUID) -> Job | None:
        row = self._connection.execute(sql.GET, {"row": job_id}).one_or_none()
        return None if row is None else to_job(row)

    def list_by_id(self, job_ids: Collection[UUID]) -> list[Job]:
        """Those of `job_ids` that there are, in no order."""
        rows = self._connection.execute(sql.GET_SEVERAL, {"rows": list(job_ids)})
        return [to_job(row) for row in rows]

    def get_jobs_by_status(self, status: JobState, *, limit: int = 100) -> list[Job]:
        """Newest first."""
        rows = self._connection.execute(sql.by_status(status), {"most": limit})
        return [to_job(row) for row in rows]

    def list_jobs(self, chosen: JobFilter, *, limit: int) -> list[Job]:
        """Newest first, at most `limit`."""
        given = chosen.given()
        statement = sql.listing(frozenset(given), chosen.states)
        rows = self._connection.execute(statement, {**_bound(given), "most": limit})
        return [to_job(row) for row in rows]

    def count_jobs(self, chosen: JobFilter) -> list[JobCount]:
        """How many there are of each type and state."""
        if chosen.states == frozenset():
            return []
        given = chosen.given()
        statement = sql.counting(frozenset(given), chosen.states)
        counts = [
            JobCount(job_type=row.job_type, state=JobState(row.status), jobs=row.jobs)
            for row in self._connection.execute(statement, _bound(given))
        ]
        return sorted(counts, key=lambda count: (count.job_type, count.state))

    def count_some(self, state: JobState, *, most: int) -> int:
        """How many are in a state; `most` where there are more."""
        found = self._connection.execute(sql.counting_some(state), {"most": most})
        return int(found.scalar_one())

    def list_children(self, parent_id: UUID) -> list[Job]:
        """In the order in which they were made."""
        return job_family.list_children(self._connection, parent_id)

    def list_held_below(self, job_id: UUID) -> list[Job]:
        """The held jobs among the parts of a job, and among theirs."""
        return job_family.list_held_below(self._connection, job_id)

    def family_progress(self, parent_id: UUID) -> float | None:
        """The mean of the children's percents; None without children."""
        return job_family.family_progress(self._connection, parent_id)

    def promote_due_jobs(self, *, now: datetime) -> int:
        """Queue scheduled jobs whose time has come, some hundreds at a time; how many."""
        statement = sql.promote(self._connection.dialect.name)
        return self._connection.execute(statement, {"now": now}).rowcount

    def update_job_status(
        self,
        job_id: UUID,
        status: JobState,
        *,
        message: str | None = None,
        waits_for_service: Service | None = None,
        now: datetime,
    ) -> Job:
        """Move a job that nobody runs; `AttemptRepository.finish` ends a running one.

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

    def hold_queued_job(self, job_id: UUID, *, error: str, now: datetime) -> Job:
        """A person must decide about a job that nobody can run.

        Raises JobUnknownError, or JobStateConflictError if it is queued no more.
        """
        values = {"row": job_id, "new_error": error, "now": now}
        return self._move(sql.HOLD_QUEUED, values, wanted=JobState.HELD)

    def request_cancel(self, job_id: UUID, *, now: datetime) -> Job:
        """`cancel_family`; the job alone."""
        return self.cancel_family(job_id, now=now)[0]

    def cancel_family(self, job_id: UUID, *, now: datetime) -> tuple[Job, int]:
        """Cancel a job and all below it; running ones are told, and end at their next progress.

        The job, and how many there were below. Raises JobUnknownError, or JobStateConflictError if
        the job is over.
        """
        values = {"row": job_id, "now": now}
        job = self._move(sql.REQUEST_CANCEL, values, wanted=JobState.CANCELLED)
        below = job_family.cancel_descendants(self._connection, job_id, now=now)
        if job.state.is_final and job.parent_id is not None:
            job_family.settle_parent(self._connection, job.parent_id, now=now)
        return job, below

    def retry_job(self, job_id: UUID, *, now: datetime) -> Job:
        """Queue a job that stopped without success, with all its tries before it again.

        Raises JobUnknownError, or JobStateConflictError if its state, or another live job with
        its idempotency key, forbids it, or if it was imported.
        """
        found = self.get_job(job_id)
        values = {
            "row": job_id,
            "new_turn_at": now + (found.priority if found else 0) * PRIORITY_STEP,
            "new_message": RETRIED,
            "now": now,
        }
        try:
            with self._connection.begin_nested():
                return self._move(sql.RETRY, values, wanted=JobState.QUEUED)
        except IntegrityError as error:
            raise JobStateConflictError(
                f"Job {job_id} cannot be tried again: another one with its idempotency key is live."
            ) from error

    def discard_job(self, job_id: UUID) -> None:
        """Delete a completed job for good, with its attempts, log and artifact rows.

        Raises JobUnknownError, or JobStateConflictError if it is live or still has children.
        """
        if self._connection.execute(sql.DISCARD, {"row": job_id}).rowcount == 1:
            self._forget_attempts([job_id])
            return
        found = self.get_job(job_id)
        if found is None:
            raise _unknown(job_id)
        if found.state.is_final:
            raise JobStateConflictError(
                f"Job {job_id} has parts of its own; discard those first.",
                hint=f"Run: munshi jobs discard --parent {job_id}",
            )
        raise JobStateConflictError(
            f"Job {job_id} is {found.state}; only a completed job can be discarded.",
            hint=f"Run: munshi jobs cancel {job_id}",
        )

    def _move(self, statement: Update, values: Mapping[str, Any], *, wanted: JobState) -> Job:
        row = self._connection.execute(statement, values).one_or_none()
        if row is not None:
            return to_job(row)
        found = self.get_job(values["row"])
        if found is None:
            raise _unknown(values["row"])
        if found.imported_from is not None and wanted is JobState.QUEUED:
            raise JobStateConflictError(
                f"Job {found.job_id} was imported from an old install ({found.imported_from}) and "
                "is never run again.",
                hint="Ask for a new one: munshi jobs run TYPE",
            )
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
    ) -> list[Job]:
        """The login has happened: paused `auto_login` jobs for `service` have succeeded."""
        rows = self._connection.execute(
            sql.COMPLETE_PAUSED_LOGINS,
            {"service": service, "new_message": LOGGED_IN, "new_result": result, "now": now},
        ).all()
        return [to_job(row) for row in rows]

    def resume_after_login(
        self, service: Service, *, result: Mapping[str, object], now: datetime
    ) -> tuple[list[Job], int]:
        """In the transaction of a login: complete its jobs with `result`, queue the others.

        The jobs that are complete now, and how many were queued.
        """
        ended = self.complete_paused_logins(service, result=result, now=now)
        queued = self.resume_paused(service, now=now)
        for job in ended:
            if job.parent_id is not None:
                job_family.settle_parent(self._connection, job.parent_id, now=now)
        return ended, queued

    def cleanup_old_jobs(self, *, days: int, now: datetime) -> int:
        """Delete jobs that ended more than `days` days ago, with their attempts; how many."""
        before = now - timedelta(days=days)
        deleted = list(self._connection.execute(sql.CLEANUP, {"before": before}).scalars())
        self._forget_attempts(deleted)
        return len(deleted)

    def _forget_attempts(self, job_ids: Sequence[UUID]) -> None:
        for start in range(0, len(job_ids), _CHUNK):
            chunk = list(job_ids[start : start + _CHUNK])
            self._connection.execute(sql.FORGET_ATTEMPTS, {"rows": chunk})


def _bound(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a filter under the names that the statements bind."""
    values = dict(given)
    if "before" in values:
        values["before_at"], values["before_row"] = values.pop("before")
    return values


def _unknown(job_id: UUID) -> JobUnknownError:
    return JobUnknownError(f"There is no job {job_id}.", hint="See: munshi jobs list")
