"""SQL of SchedulerExecutions and ScheduleCursors, built once."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Insert,
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

from munshi.domain.jobs import FINAL_STATES, JobState
from munshi.domain.schedules import ExecutionStatus
from munshi.infrastructure.database.models import (
    background_jobs,
    schedule_cursors,
    scheduler_executions,
)
from munshi.infrastructure.database.types import Instant

DIALECT_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_rows, _cursors = scheduler_executions.c, schedule_cursors.c
_now = bindparam("now", type_=Instant)
CURSORS = select(schedule_cursors).order_by(_cursors.job_name)
DUE = (
    select(schedule_cursors)
    .where(_cursors.next_due.is_not(None), _cursors.next_due <= _now)
    .order_by(_cursors.next_due)
    .limit(bindparam("most"))
)
IS_DUE = select(exists().where(_cursors.next_due.is_not(None), _cursors.next_due <= _now))
ADVANCE = (
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
FORGET = delete(schedule_cursors).where(_cursors.job_name == bindparam("name"))
RECORDED = select(_rows.scheduled_for).where(
    _rows.job_name == bindparam("name"),
    _rows.scheduled_for > bindparam("after", type_=Instant),
    _rows.scheduled_for <= bindparam("until", type_=Instant),
)
WITHDRAW = delete(scheduler_executions).where(
    _rows.job_name == bindparam("name"),
    _rows.scheduled_for > bindparam("after", type_=Instant),
    _rows.status.in_([ExecutionStatus.MISSED, ExecutionStatus.GAP]),
)
# What is not dealt with yet has no end, however old it is.
DELETE_OLD = delete(scheduler_executions).where(
    _rows.scheduled_for < bindparam("before", type_=Instant),
    _rows.success.is_not(None),
)
GIVE_JOB = (
    update(scheduler_executions)
    .where(_rows.id == bindparam("row"))
    .values(job_id=bindparam("of_job"))
)
HISTORY = (
    select(scheduler_executions)
    .where(
        _rows.job_name == bindparam("name"),
        _rows.scheduled_for < bindparam("before", type_=Instant),
    )
    .order_by(_rows.scheduled_for.desc())
    .limit(bindparam("most"))
)
_ON_DAY = (
    _rows.job_name == bindparam("name"),
    _rows.scheduled_for >= bindparam("start", type_=Instant),
    _rows.scheduled_for < bindparam("end", type_=Instant),
)
ON_DAY = (
    select(scheduler_executions)
    .where(*_ON_DAY)
    .order_by(_rows.scheduled_for.desc())
    .limit(bindparam("most"))
)
OUTCOMES = (
    select(
        _rows.status,
        _rows.success,
        func.count().label("rows"),
        func.coalesce(func.sum(_rows.missed_count), 0).label("missed"),
    )
    .where(*_ON_DAY)
    .group_by(_rows.status, _rows.success)
)
COUNT_MISSED = select(func.coalesce(func.sum(_rows.missed_count), 0)).where(
    _rows.job_name == bindparam("name"),
    _rows.scheduled_for >= bindparam("since", type_=Instant),
)
JOB_END = (
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
ENDED = (
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
_KEYS = {
    "cursor": (schedule_cursors, _cursors.job_name, ("job_name",)),
    "execution": (scheduler_executions, _rows.id, ("job_name", "scheduled_for")),
}


@lru_cache
def insert_new(what: str, dialect: str) -> Insert:
    table, key, unique = _KEYS[what]
    if dialect not in DIALECT_INSERTS:
        return insert(table).returning(key)
    statement: Any = DIALECT_INSERTS[dialect](table)
    found: Insert = statement.on_conflict_do_nothing(index_elements=list(unique)).returning(key)
    return found
