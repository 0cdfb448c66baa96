"""SQL for SchedulerExecutions and ScheduleCursors: one row for every due time, whoever is first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from munshi.domain.jobs import Job, JobState
from munshi.domain.schedules import Execution, ExecutionStatus, ScheduleCursor
from munshi.infrastructure.database import schedule_statements as sql
from munshi.infrastructure.database.job_rows import to_job

# After every instant that is ever due.
_END_OF_TIME = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
_PLATFORM_NAMES = ("broker", "service", "source")


class ScheduleRepository:
    """What schedules did, and up to when each has been dealt with."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_cursors(self) -> list[ScheduleCursor]:
        """By name."""
        return [_cursor(row) for row in self._connection.execute(sql.CURSORS)]

    def list_due(self, *, limit: int = 100, now: datetime) -> list[ScheduleCursor]:
        """Schedules with a due time that nobody has dealt with, the longest due first."""
        rows = self._connection.execute(sql.DUE, {"now": now, "most": limit})
        return [_cursor(row) for row in rows]

    def is_due(self, *, now: datetime) -> bool:
        return bool(self._connection.execute(sql.IS_DUE, {"now": now}).scalar_one())

    def save_cursor(
        self, cursor: ScheduleCursor, *, seen: ScheduleCursor | None, now: datetime
    ) -> bool:
        """Store `cursor` if the schedule's still is as `seen`, or there is none; whether it was so.

        Of any number of schedulers that saw the same, one is told True, and its transaction holds
        the row until it ends.
        """
        if seen is None:
            values = {
                "job_name": cursor.job_name,
                "config_version": cursor.config_version,
                "done_until": cursor.done_until,
                "next_due": cursor.next_due,
                "updated_at": now,
            }
            return self._insert_new("cursor", values) is not None
        moved = self._connection.execute(
            sql.ADVANCE,
            {
                "name": cursor.job_name,
                "seen_version": seen.config_version,
                "seen_done": seen.done_until,
                "new_version": cursor.config_version,
                "new_done": cursor.done_until,
                "new_due": cursor.next_due,
                "now": now,
            },
        )
        return moved.rowcount == 1

    def delete_cursor(self, job_name: str) -> None:
        self._connection.execute(sql.FORGET, {"name": job_name})

    def list_recorded(
        self, job_name: str, *, after: datetime, until: datetime
    ) -> frozenset[datetime]:
        """Due times later than `after`, up to and including `until`, that have their row."""
        values = {"name": job_name, "after": after, "until": until}
        return frozenset(self._connection.execute(sql.RECORDED, values).scalars())

    def save_execution(
        self,
        job_name: str,
        status: ExecutionStatus,
        *,
        scheduled_for: datetime,
        missed_until: datetime | None = None,
        missed_count: int = 0,
        error_details: str | None = None,
        result_message: str | None = None,
    ) -> int | None:
        """The new row's id; None, and nothing stored, if the due time has its row already."""
        values = {
            "job_name": job_name,
            "status": status,
            "scheduled_for": scheduled_for,
            "missed_until": missed_until,
            "missed_count": missed_count,
            "error_details": error_details,
            "result_message": result_message,
            "success": None if status in _STARTED else False,
        }
        row: int | None = self._insert_new("execution", values)
        return row

    def _insert_new(self, what: str, values: dict[str, Any]) -> Any:  # noqa: ANN401
        """The key of the row; None if another one stands where it would."""
        dialect = self._connection.dialect.name
        statement = sql.insert_new(what, dialect)
        if dialect in sql.DIALECT_INSERTS:
            return self._connection.execute(statement, values).scalar_one_or_none()
        try:
            with self._connection.begin_nested():
                return self._connection.execute(statement, values).scalar_one()
        except IntegrityError:
            return None

    def delete_missed(self, job_name: str, *, after: datetime) -> int:
        """Take back what was called missed of the time later than `after`; how many rows."""
        values = {"name": job_name, "after": after}
        return self._connection.execute(sql.WITHDRAW, values).rowcount

    def delete_old_executions(self, *, before: datetime) -> int:
        """Forget due times before `before`, but for those whose job has not ended; how many."""
        return self._connection.execute(sql.DELETE_OLD, {"before": before}).rowcount

    def give_job(self, execution_id: int, job_id: UUID) -> None:
        """Say which job the row's due time became."""
        self._connection.execute(sql.GIVE_JOB, {"row": execution_id, "of_job": job_id})

    def list_executions(
        self, job_name: str, *, before: datetime | None = None, limit: int
    ) -> list[Execution]:
        """By due time, the newest first, those due before `before`."""
        values = {"name": job_name, "before": before or _END_OF_TIME, "most": limit}
        return [_execution(row) for row in self._connection.execute(sql.HISTORY, values)]

    def list_between(
        self, job_name: str, *, start: datetime, end: datetime, limit: int
    ) -> list[Execution]:
        """Due from `start` up to, not including, `end`; the newest first."""
        values = {"name": job_name, "start": start, "end": end, "most": limit}
        return [_execution(row) for row in self._connection.execute(sql.ON_DAY, values)]

    def count_outcomes(
        self, job_name: str, *, start: datetime, end: datetime
    ) -> dict[tuple[ExecutionStatus, bool | None], int]:
        """How many due times of that stretch came to what; those within gaps one by one."""
        values = {"name": job_name, "start": start, "end": end}
        return {
            (ExecutionStatus(row.status), row.success): int(row.missed) or int(row.rows)
            for row in self._connection.execute(sql.OUTCOMES, values)
        }

    def count_missed(self, job_name: str, *, since: datetime) -> int:
        """How many due times were missed, those within gaps included."""
        found = self._connection.execute(sql.COUNT_MISSED, {"name": job_name, "since": since})
        return int(found.scalar_one())

    def record_job_end(self, job: Job, *, now: datetime) -> None:
        """Fill the row of a scheduled job that has ended from what it really did.

        Harmless where no row is the job's, and when it is repeated.
        """
        ended = job.completed_at or now
        took = None if job.started_at is None else ended - job.started_at
        self._connection.execute(
            sql.JOB_END,
            {
                "of_job": job.job_id,
                "began": job.started_at,
                "succeeded": job.state is JobState.SUCCEEDED,
                "took_ms": None if took is None else max(0, round(took.total_seconds() * 1000)),
                "retries": max(0, job.attempt - 1),
                "said": job.message or None,
                "error": job.error_details,
                "broker": _platform(job),
            },
        )

    def list_ended_jobs(self, *, limit: int = 100) -> list[Job]:
        """Scheduled jobs that are over, and whose row does not say so yet."""
        return [to_job(row) for row in self._connection.execute(sql.ENDED, {"most": limit})]


_STARTED = {ExecutionStatus.FIRED, ExecutionStatus.ON_DEMAND}


def _platform(job: Job) -> str | None:
    """The broker that the job worked with, by its result or else its parameters."""
    for document in (job.result_data or {}, job.parameters):
        for name in _PLATFORM_NAMES:
            value = document.get(name)
            if isinstance(value, str):
                return value[:20]
    return None


def _cursor(row: Row[Any]) -> ScheduleCursor:
    return ScheduleCursor(
        job_name=row.job_name,
        config_version=row.config_version,
        done_until=row.done_until,
        next_due=row.next_due,
    )


def _execution(row: Row[Any]) -> Execution:
    return Execution(
        execution_id=row.id,
        job_name=row.job_name,
        job_id=row.job_id,
        status=ExecutionStatus(row.status),
        scheduled_for=row.scheduled_for,
        execution_time=row.execution_time,
        success=row.success,
        result_message=row.result_message,
        error_details=row.error_details,
        duration_ms=row.duration_ms,
        retry_count=row.retry_count,
        platform=row.platform,
        missed_until=row.missed_until,
        missed_count=row.missed_count,
    )
