"""SQL for SchedulerExecutions and ScheduleCursors: one row for every due time, whoever is first."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Insert,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from munshi.domain.jobs import FINAL_STATES, Job, JobState
from munshi.domain.schedules import Execution, ExecutionStatus, ScheduleCursor
from munshi.infrastructure.database.job_rows import to_job
from munshi.infrastructure.database.models import (
    background_jobs,
    schedule_cursors,
    scheduler_executions,
)
from munshi.infrastructure.database.types import Instant

_DIALECT_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_rows, _cursors = scheduler_executions.c, schedule_cursors.c
_now = bindparam("now", type_=Instant)
_CURSORS = select(schedule_cursors).order_by(_cursors.job_name)
DUE = (
    select(schedule_cursors)
    .where(_cursors.next_due.is_not(None), _cursors.next_due <= _now)
    .order_by(_cursors.next_due)
    .limit(bindparam("most"))
)
IS_DUE = select(exists().where(_cursors.next_due.is_not(None), _cursors.next_due <= _now))
_ADVANCE = (
    update(schedule_cursors)
    .where(
        _cursors.job_name == bindparam("name"),
        _cursors.config_version == bindparam("seen_version"),
        _cursors.done_until == bindparam("seen_done", type_=Instant),
    )
    .values(
        config_version=bindparam("new_version"),
        done_until=bindparam("new_done", type_=Instant),
        next_due=bindparam("new_due", type_=Instant),
        updated_at=_now,
    )
)
_FORGET = delete(schedule_cursors).where(_cursors.job_name == bindparam("name"))
_RECORDED = select(_rows.scheduled_for).where(
    _rows.job_name == bindparam("name"),
    _rows.scheduled_for > bindparam("after", type_=Instant),
    _rows.scheduled_for <= bindparam("until", type_=Instant),
)
_GIVE_JOB = (
    update(scheduler_executions)
    .where(_rows.id == bindparam("row"))
    .values(job_id=bindparam("of_job"))
)
_HISTORY = (
    select(scheduler_executions)
    .where(
        _rows.job_name == bindparam("name"),
        _rows.scheduled_for < bindparam("before", type_=Instant),
    )
    .order_by(_rows.scheduled_for.desc())
    .limit(bindparam("most"))
)
_COUNT_MISSED = select(func.coalesce(func.sum(_rows.missed_count), 0)).where(
    _rows.job_name == bindparam("name"),
    _rows.scheduled_for >= bindparam("since", type_=Instant),
)
_JOB_END = (
    update(scheduler_executions)
    .where(_rows.job_id == bindparam("of_job"))
    .values(
        execution_time=bindparam("began", type_=Instant),
        success=bindparam("succeeded"),
        duration_ms=bindparam("took_ms"),
        retry_count=bindparam("retries"),
        result_message=bindparam("said"),
        error_details=bindparam("error"),
        platform=bindparam("broker"),
    )
)
_ENDED = (
    select(background_jobs)
    .join(
        scheduler_executions,
        and_(
            _rows.job_id == background_jobs.c.job_id,
            _rows.success.is_(None),
            _rows.job_id.is_not(None),
        ),
    )
    .where(
        background_jobs.c.status.in_(
            [literal_column(f"'{state}'") for state in JobState if state in FINAL_STATES]
        )
    )
    .limit(bindparam("most"))
)
# After every instant that is ever due.
_END_OF_TIME = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
_PLATFORM_NAMES = ("broker", "service", "source")


class ScheduleRepository:
    """What schedules did, and up to when each has been dealt with."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_cursors(self) -> list[ScheduleCursor]:
        """By name."""
        return [_cursor(row) for row in self._connection.execute(_CURSORS)]

    def list_due(self, *, limit: int = 100, now: datetime) -> list[ScheduleCursor]:
        """Schedules with a due time that nobody has dealt with, the longest due first."""
        rows = self._connection.execute(DUE, {"now": now, "most": limit})
        return [_cursor(row) for row in rows]

    def is_due(self, *, now: datetime) -> bool:
        return bool(self._connection.execute(IS_DUE, {"now": now}).scalar_one())

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
            _ADVANCE,
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
        self._connection.execute(_FORGET, {"name": job_name})

    def list_recorded(
        self, job_name: str, *, after: datetime, until: datetime
    ) -> frozenset[datetime]:
        """Due times later than `after`, up to and including `until`, that have their row."""
        values = {"name": job_name, "after": after, "until": until}
        return frozenset(self._connection.execute(_RECORDED, values).scalars())

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
        statement = _insert_new(what, dialect)
        if dialect in _DIALECT_INSERTS:
            return self._connection.execute(statement, values).scalar_one_or_none()
        try:
            with self._connection.begin_nested():
                return self._connection.execute(statement, values).scalar_one()
        except IntegrityError:
            return None

    def give_job(self, execution_id: int, job_id: UUID) -> None:
        """Say which job the row's due time became."""
        self._connection.execute(_GIVE_JOB, {"row": execution_id, "of_job": job_id})

    def list_executions(
        self, job_name: str, *, before: datetime | None = None, limit: int
    ) -> list[Execution]:
        """By due time, the newest first, those due before `before`."""
        values = {"name": job_name, "before": before or _END_OF_TIME, "most": limit}
        return [_execution(row) for row in self._connection.execute(_HISTORY, values)]

    def count_missed(self, job_name: str, *, since: datetime) -> int:
        """How many due times were missed, those within gaps included."""
        found = self._connection.execute(_COUNT_MISSED, {"name": job_name, "since": since})
        return int(found.scalar_one())

    def record_job_end(self, job: Job, *, now: datetime) -> None:
        """Fill the row of a scheduled job that has ended from what it really did.

        Harmless where no row is the job's, and when it is repeated.
        """
        ended = job.completed_at or now
        took = None if job.started_at is None else ended - job.started_at
        self._connection.execute(
            _JOB_END,
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
        return [to_job(row) for row in self._connection.execute(_ENDED, {"most": limit})]


_STARTED = {ExecutionStatus.FIRED, ExecutionStatus.ON_DEMAND}
_KEYS = {
    "cursor": (schedule_cursors, _cursors.job_name, ("job_name",)),
    "execution": (scheduler_executions, _rows.id, ("job_name", "scheduled_for")),
}


@lru_cache
def _insert_new(what: str, dialect: str) -> Insert:
    table, key, unique = _KEYS[what]
    if dialect not in _DIALECT_INSERTS:
        return insert(table).returning(key)
    statement: Any = _DIALECT_INSERTS[dialect](table)
    found: Insert = statement.on_conflict_do_nothing(index_elements=list(unique)).returning(key)
    return found


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
