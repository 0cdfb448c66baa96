"""SQL of BackgroundJobs and JobAttempts, built once; the transition table is in its WHERE."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    TextualSelect,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)

from munshi.domain.jobs import AUTO_LOGIN, FINAL_STATES, TRANSITIONS, JobState
from munshi.infrastructure.database.models import auth_sessions, background_jobs, job_attempts
from munshi.infrastructure.database.types import Instant, Json, Name, Prose, Real

_jobs, _attempts = background_jobs.c, job_attempts.c
_children = background_jobs.alias("children")


def _spelt(state: JobState) -> ColumnElement[str]:
    return literal_column(f"'{state}'", Name(20))


def _status_in(states: Iterable[JobState]) -> ColumnElement[bool]:
    """Written out, because a partial index is only used when its condition can be read off."""
    return _jobs.status.in_([_spelt(state) for state in JobState if state in set(states)])


def _sources(target: JobState) -> frozenset[JobState]:
    return frozenset(state for state, after in TRANSITIONS.items() if target in after)


_HINTS = {
    "mssql": "WITH (UPDLOCK, READPAST, ROWLOCK)",
}
_LOCKS = {"postgresql": "FOR UPDATE SKIP LOCKED"}


def _due(limit: int, dialect: str, *, lock: str = "") -> TextualSelect:
    top, end = (f"TOP ({limit})", "") if dialect == "mssql" else ("", f"LIMIT {limit}")
    return (
        text(
            f'SELECT {top} job_id FROM "BackgroundJobs" {_HINTS.get(dialect, "")} '
            "WHERE status IN ('queued', 'scheduled') AND run_at <= :now "
            f"ORDER BY priority, run_at, job_id {end} {lock}"
        )
        .bindparams(bindparam("now", type_=Instant))
        .columns(_jobs.job_id)
    )


_LIVE = _status_in(frozenset(JobState) - FINAL_STATES)
_now = bindparam("now", type_=Instant)
_this = _jobs.job_id == bindparam("row")
_fence = and_(_this, _jobs.attempt == bindparam("fence"), _jobs.status == _spelt(JobState.RUNNING))
_this_attempt = and_(
    _attempts.job_id == bindparam("row"),
    _attempts.attempt == bindparam("fence"),
    _attempts.finished_at.is_(None),
)

INSERT = insert(background_jobs).returning(background_jobs)
GET = select(background_jobs).where(_this)
GET_LIVE_BY_KEY = select(background_jobs).where(_jobs.idempotency_key == bindparam("key"), _LIVE)
BY_STATUS = (
    select(background_jobs)
    .where(_jobs.status == bindparam("state"))
    .order_by(_jobs.created_at.desc(), _jobs.job_id.desc())
    .limit(bindparam("most"))
)
_lapsed = (
    _attempts.job_id == _jobs.job_id,
    _attempts.attempt == _jobs.attempt,
    _attempts.finished_at.is_(None),
    _attempts.lease_until <= _now,
    _jobs.status == _spelt(JobState.RUNNING),
)
LAPSED = (
    select(background_jobs)
    .join(job_attempts, and_(*_lapsed))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
NEEDS_RECOVERY = select(
    or_(
        exists().where(*_lapsed),
        exists().where(_jobs.status == _spelt(JobState.PAUSED)),
    )
)
SIGNALS = select(_jobs.job_id, _jobs.attempt, _jobs.status, _jobs.cancel_requested).where(
    _jobs.job_id.in_(bindparam("rows", expanding=True))
)
PROGRESS = (
    update(background_jobs)
    .where(_fence)
    .values(
        progress_percent=bindparam("new_percent"),
        message=bindparam("new_message"),
        updated_at=_now,
    )
)
REQUEST_CANCEL = (
    update(background_jobs)
    .where(_this, _status_in(_sources(JobState.CANCELLED)))
    .values(
        cancel_requested=True,
        status=case(
            (_jobs.status == _spelt(JobState.RUNNING), _spelt(JobState.RUNNING)),
            else_=_spelt(JobState.CANCELLED),
        ),
        completed_at=case((_jobs.status == _spelt(JobState.RUNNING), null()), else_=_now),
        waits_for_service=None,
        updated_at=_now,
    )
    .returning(background_jobs)
)
RESUME_PAUSED = (
    update(background_jobs)
    .where(_jobs.status == _spelt(JobState.PAUSED), _jobs.waits_for_service == bindparam("service"))
    .values(
        status=_spelt(JobState.QUEUED),
        waits_for_service=None,
        message=bindparam("new_message"),
        updated_at=_now,
    )
)
# A login that committed while the job was still on its way to `paused`.
RESUME_MISSED = (
    update(background_jobs)
    .where(
        _jobs.status == _spelt(JobState.PAUSED),
        exists().where(
            auth_sessions.c.service_type == _jobs.waits_for_service,
            auth_sessions.c.is_active,
            auth_sessions.c.expires_at > _now,
            auth_sessions.c.created_at > _attempts.started_at,
            _attempts.job_id == _jobs.job_id,
            _attempts.attempt == _jobs.attempt,
        ),
    )
    .values(
        status=_spelt(JobState.QUEUED),
        waits_for_service=None,
        message=bindparam("new_message"),
        updated_at=_now,
    )
)
COMPLETE_PAUSED_LOGINS = (
    update(background_jobs)
    .where(
        _jobs.status == _spelt(JobState.PAUSED),
        _jobs.waits_for_service == bindparam("service"),
        _jobs.job_type == AUTO_LOGIN,
    )
    .values(
        status=_spelt(JobState.SUCCEEDED),
        progress_percent=100,
        message=bindparam("new_message"),
        result_data=bindparam("new_result", type_=Json),
        waits_for_service=None,
        completed_at=_now,
        updated_at=_now,
    )
)
CLEANUP = delete(background_jobs).where(
    _status_in(FINAL_STATES),
    _jobs.completed_at < bindparam("before", type_=Instant),
    ~exists().where(_children.c.parent_id == _jobs.job_id),
)

INSERT_ATTEMPT = insert(job_attempts)
HEARTBEAT = (
    update(job_attempts)
    .where(_this_attempt)
    .values(lease_until=bindparam("new_lease_until"), heartbeat_at=_now)
)
CLOSE_ATTEMPT = (
    update(job_attempts)
    .where(_this_attempt)
    .values(finished_at=_now, outcome=bindparam("how"), error=bindparam("why"))
)
ATTEMPTS = (
    select(job_attempts).where(_attempts.job_id == bindparam("row")).order_by(_attempts.attempt)
)
COUNT_ATTEMPTS = select(func.count()).where(
    _attempts.job_id == bindparam("row"), _attempts.outcome == bindparam("how")
)


@lru_cache
def claim(limit: int, dialect: str) -> Update:
    """Take up to `limit` due jobs: found, locked and marked in one statement.

    The limit is written out, so that a planner knows how little it has to sort.
    """
    due = _due(limit, dialect, lock=_LOCKS.get(dialect, "")).cte("due")
    return (
        update(background_jobs)
        .where(_jobs.job_id.in_(select(due.c.job_id)))
        .values(
            status=_spelt(JobState.RUNNING),
            attempt=_jobs.attempt + 1,
            progress_percent=0,
            message=None,
            started_at=func.coalesce(_jobs.started_at, _now),
            updated_at=_now,
        )
        .returning(background_jobs)
    )


@lru_cache
def has_due(dialect: str) -> Select[Any]:
    """What an idle worker asks: a claim that finds nothing still stops every writer of SQLite."""
    return select(func.count()).select_from(_due(1, dialect).subquery())


@lru_cache
def leave_running(target: JobState) -> Update:
    """End an attempt in `target`; a job that was told to cancel never goes on from here."""
    if target not in TRANSITIONS[JobState.RUNNING]:
        raise ValueError(f"a running job cannot become {target}")
    if target.is_final:
        status: ColumnElement[str] = _spelt(target)
        completed_at: ColumnElement[Any] = _now
    else:
        status = case((_jobs.cancel_requested, _spelt(JobState.CANCELLED)), else_=_spelt(target))
        completed_at = case((_jobs.cancel_requested, _now), else_=null())
    return (
        update(background_jobs)
        .where(_fence)
        .values(
            status=status,
            progress_percent=func.coalesce(
                bindparam("new_percent", type_=Real), _jobs.progress_percent
            ),
            message=func.coalesce(bindparam("new_message", type_=Prose), _jobs.message),
            result_data=bindparam("new_result", type_=Json),
            error_details=bindparam("new_error", type_=Prose),
            run_at=func.coalesce(bindparam("new_run_at", type_=Instant), _jobs.run_at),
            waits_for_service=bindparam("new_service", type_=Name(20)),
            completed_at=completed_at,
            updated_at=_now,
        )
        .returning(background_jobs)
    )


@lru_cache
def move(target: JobState) -> Update:
    """Give a job that nobody runs another state, if the transition table lets it."""
    return (
        update(background_jobs)
        .where(_this, _status_in(_sources(target) - {JobState.RUNNING}))
        .values(
            status=_spelt(target),
            message=func.coalesce(bindparam("new_message", type_=Prose), _jobs.message),
            waits_for_service=bindparam("new_service", type_=Name(20)),
            completed_at=_now if target.is_final else null(),
            updated_at=_now,
        )
        .returning(background_jobs)
    )


@lru_cache
def listing(given: frozenset[str]) -> Select[Any]:
    """Newest first; `given` names the conditions: states, job_type, before."""
    at, row = (
        bindparam("before_at", type_=Instant),
        bindparam("before_row", type_=_jobs.job_id.type),
    )
    conditions = {
        "states": _jobs.status.in_(bindparam("states", expanding=True)),
        "job_type": _jobs.job_type == bindparam("job_type"),
        "before": and_(_jobs.created_at <= at, or_(_jobs.created_at < at, _jobs.job_id < row)),
    }
    return (
        select(background_jobs)
        .where(*(conditions[name] for name in sorted(given)))
        .order_by(_jobs.created_at.desc(), _jobs.job_id.desc())
        .limit(bindparam("most"))
    )
