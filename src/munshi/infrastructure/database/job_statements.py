"""SQL of BackgroundJobs, built once; the transition table is in its WHERE."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    TextualSelect,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)

from munshi.domain.jobs import AUTO_LOGIN, FINAL_STATES, JobState
from munshi.infrastructure.database.job_states import LIVE_STATES, sources, spelt, status_in
from munshi.infrastructure.database.models import auth_sessions, background_jobs, job_attempts
from munshi.infrastructure.database.types import Instant, Json, Name, Prose, Whole

_jobs, _attempts = background_jobs.c, job_attempts.c
_children = background_jobs.alias("children")
_parents = background_jobs.alias("parents")
_now = bindparam("now", type_=Instant)
_this = _jobs.job_id == bindparam("row")

INSERT = insert(background_jobs).returning(background_jobs)
GET = select(background_jobs).where(_this)
GET_SEVERAL = select(background_jobs).where(_jobs.job_id.in_(bindparam("rows", expanding=True)))
GET_LIVE_BY_KEY = select(background_jobs).where(
    _jobs.idempotency_key == bindparam("key"), status_in(_jobs.status, LIVE_STATES)
)
GET_KEPT_BY_KEY = select(background_jobs).where(
    _jobs.idempotency_key == bindparam("key"), _jobs.idempotency_until > _now
)
# Whoever asks next with the key clears it away: the period is over.
FORGET_KEY = (
    update(background_jobs)
    .where(
        _jobs.idempotency_key == bindparam("key"),
        _jobs.idempotency_until.is_not(None),
        _jobs.idempotency_until <= _now,
    )
    .values(idempotency_until=None)
)
HOLD_QUEUED = (
    update(background_jobs)
    .where(_this, _jobs.status == spelt(JobState.QUEUED))
    .values(
        status=spelt(JobState.HELD),
        error_details=bindparam("new_error", type_=Prose),
        updated_at=_now,
    )
    .returning(background_jobs)
)
REQUEST_CANCEL = (
    update(background_jobs)
    .where(_this, status_in(_jobs.status, sources(JobState.CANCELLED)))
    .values(
        cancel_requested=True,
        status=case(
            (_jobs.status == spelt(JobState.RUNNING), spelt(JobState.RUNNING)),
            else_=spelt(JobState.CANCELLED),
        ),
        completed_at=case((_jobs.status == spelt(JobState.RUNNING), null()), else_=_now),
        waits_for_service=None,
        updated_at=_now,
    )
    .returning(background_jobs)
)
# What a person's retry may take up again: whatever stopped without success.
RETRIED = sources(JobState.QUEUED) - {
    JobState.RUNNING,
    JobState.WAITING,
    JobState.PAUSED,
}
RETRY = (
    update(background_jobs)
    .where(_this, status_in(_jobs.status, RETRIED), _jobs.imported_from.is_(None))
    .values(
        status=spelt(JobState.QUEUED),
        run_at=_now,
        turn_at=bindparam("new_turn_at", type_=Instant),
        cancel_requested=False,
        errors=0,
        crashes=0,
        completed_at=None,
        error_details=None,
        message=bindparam("new_message", type_=Prose),
        updated_at=_now,
    )
    .returning(background_jobs)
)
DISCARD = delete(background_jobs).where(
    _this,
    status_in(_jobs.status, FINAL_STATES),
    ~exists().where(_children.c.parent_id == _jobs.job_id),
)
RESUME_PAUSED = (
    update(background_jobs)
    .where(_jobs.status == spelt(JobState.PAUSED), _jobs.waits_for_service == bindparam("service"))
    .values(
        status=spelt(JobState.QUEUED),
        waits_for_service=None,
        message=bindparam("new_message"),
        updated_at=_now,
    )
)
# A login that committed while the job was still on its way to `paused`.
RESUME_MISSED = (
    update(background_jobs)
    .where(
        _jobs.status == spelt(JobState.PAUSED),
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
        status=spelt(JobState.QUEUED),
        waits_for_service=None,
        message=bindparam("new_message"),
        updated_at=_now,
    )
)
COMPLETE_PAUSED_LOGINS = (
    update(background_jobs)
    .where(
        _jobs.status == spelt(JobState.PAUSED),
        _jobs.waits_for_service == bindparam("service"),
        _jobs.job_type == AUTO_LOGIN,
    )
    .values(
        status=spelt(JobState.SUCCEEDED),
        progress_percent=100,
        message=bindparam("new_message"),
        result_data=bindparam("new_result", type_=Json),
        waits_for_service=None,
        completed_at=_now,
        updated_at=_now,
    )
    .returning(background_jobs)
)
# By the index of creation: what ended before a moment was made before it.
_CLEANUP = delete(background_jobs).where(
    status_in(_jobs.status, FINAL_STATES),
    _jobs.created_at < bindparam("before", type_=Instant),
    _jobs.completed_at < bindparam("before", type_=Instant),
    # A history that a person brought along goes when a person says so.
    _jobs.imported_from.is_(None),
    ~exists().where(_children.c.parent_id == _jobs.job_id),
    ~exists().where(
        _parents.c.job_id == _jobs.parent_id, status_in(_parents.c.status, LIVE_STATES)
    ),
)


# Once the jobs are gone.
FORGET_ATTEMPTS = delete(job_attempts).where(
    _attempts.job_id.in_(bindparam("rows", expanding=True))
)
CLEANUP = _CLEANUP.returning(_jobs.job_id)


@lru_cache
def _due(dialect: str) -> TextualSelect:
    lock = "FOR UPDATE SKIP LOCKED" if dialect == "postgresql" else ""
    top, end = ("TOP (500)", "") if dialect == "mssql" else ("", "LIMIT 500")
    hint = "WITH (UPDLOCK, READPAST, ROWLOCK)" if dialect == "mssql" else ""
    return (
        text(
            f'SELECT {top} job_id FROM "BackgroundJobs" {hint} '
            f"WHERE status = 'scheduled' AND run_at <= :now ORDER BY run_at {end} {lock}"
        )
        .bindparams(bindparam("now", type_=Instant))
        .columns(_jobs.job_id)
    )


@lru_cache
def promote(dialect: str) -> Update:
    """Queue scheduled jobs whose time has come, some hundreds at a time."""
    due = _due(dialect).subquery("due")
    return (
        update(background_jobs)
        .where(_jobs.job_id.in_(select(due.c.job_id)))
        .values(status=spelt(JobState.QUEUED), updated_at=_now)
    )


@lru_cache
def by_status(state: JobState) -> Select[Any]:
    """Newest first; the state is written out, so that its partial index can be used."""
    return (
        select(background_jobs)
        .where(_jobs.status == spelt(state))
        .order_by(_jobs.created_at.desc(), _jobs.job_id.desc())
        .limit(bindparam("most"))
    )


@lru_cache
def move(target: JobState) -> Update:
    """Give a job that nobody runs another state, if the transition table lets it."""
    return (
        update(background_jobs)
        .where(_this, status_in(_jobs.status, sources(target) - {JobState.RUNNING}))
        .values(
            status=spelt(target),
            message=func.coalesce(bindparam("new_message", type_=Prose), _jobs.message),
            waits_for_service=bindparam("new_service", type_=Name(20)),
            completed_at=_now if target.is_final else null(),
            updated_at=_now,
        )
        .returning(background_jobs)
    )


def _conditions() -> dict[str, ColumnElement[bool]]:
    at = bindparam("before_at", type_=Instant)
    row = bindparam("before_row", type_=_jobs.job_id.type)
    said = bindparam("said", type_=Prose)
    return {
        "job_type": _jobs.job_type == bindparam("job_type"),
        "queue": _jobs.queue == bindparam("queue"),
        "schedule_name": _jobs.schedule_name == bindparam("schedule_name"),
        "parent_id": _jobs.parent_id == bindparam("parent_id"),
        "created_from": _jobs.created_at >= bindparam("created_from", type_=Instant),
        "created_before": _jobs.created_at < bindparam("created_before", type_=Instant),
        "said": or_(
            _jobs.error_details.contains(said, autoescape=False),
            _jobs.message.contains(said, autoescape=False),
        ),
        "imported": _jobs.imported_from.is_not(None),
        "own": _jobs.imported_from.is_(None),
        "before": and_(_jobs.created_at <= at, or_(_jobs.created_at < at, _jobs.job_id < row)),
    }


@lru_cache
def listing(given: frozenset[str], states: frozenset[JobState] | None) -> Select[Any]:
    """Newest first; `given` names the other conditions of `JobFilter`."""
    return (
        select(background_jobs)
        .where(*_chosen(given), *([] if states is None else [_any_of(states)]))
        .order_by(_jobs.created_at.desc(), _jobs.job_id.desc())
        .limit(bindparam("most"))
    )


@lru_cache
def counting(given: frozenset[str], states: frozenset[JobState] | None) -> CompoundSelect[Any]:
    """How many jobs of each type and state: each state by itself, for its own index."""
    return union_all(
        *(
            select(_jobs.job_type, spelt(state).label("status"), func.count().label("jobs"))
            .where(*_chosen(given), _jobs.status == spelt(state))
            .group_by(_jobs.job_type)
            for state in JobState
            if states is None or state in states
        )
    )


@lru_cache
def counting_some(state: JobState) -> Select[Any]:
    """How many are in a state, counted no further than to `most`."""
    some = (
        select(_jobs.job_id)
        .where(_jobs.status == spelt(state))
        .limit(bindparam("most", type_=Whole))
        .subquery()
    )
    return select(func.count()).select_from(some)


def _any_of(states: frozenset[JobState]) -> ColumnElement[bool]:
    return or_(false(), *(_jobs.status == spelt(state) for state in JobState if state in states))


def _chosen(given: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions = _conditions()
    return [conditions[name] for name in sorted(given)]
