"""SQL of attempts, built once: progress, heartbeats, ends and what a silent worker left."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    TextualSelect,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    text,
    update,
)

from munshi.domain.jobs import TRANSITIONS, JobState
from munshi.infrastructure.database.job_states import spelt
from munshi.infrastructure.database.models import background_jobs, job_attempts
from munshi.infrastructure.database.types import Instant, Json, Name, Prose, Real, Whole

_jobs, _attempts = background_jobs.c, job_attempts.c
_now = bindparam("now", type_=Instant)
_this = _jobs.job_id == bindparam("row")
_running = _jobs.status == spelt(JobState.RUNNING)
_fence = and_(_this, _jobs.attempt == bindparam("fence"), _running)
_lapsed = and_(_running, _jobs.lease_until <= _now)
# Told to Core where the drivers' own claims write it out.
_started = {
    "status": spelt(JobState.RUNNING),
    "attempt": _jobs.attempt + 1,
    "progress_percent": 0,
    "progress_rate": None,
    "message": None,
    "worker_id": bindparam("who", type_=Name(100)),
    "attempt_started_at": _now,
    "heartbeat_at": None,
    "lease_until": bindparam("new_lease_until", type_=Instant),
    "started_at": func.coalesce(_jobs.started_at, _now),
    "updated_at": _now,
}

INSERT = insert(job_attempts)
LIST = select(job_attempts).where(_attempts.job_id == bindparam("row")).order_by(_attempts.attempt)
RUNNING_ATTEMPT = select(background_jobs).where(_this, _running)
LAPSED = (
    select(background_jobs)
    .where(_lapsed)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)
# Asked to sort by more, SQLite walks all jobs in their order instead of the few that run.
RUNNING = (
    select(background_jobs)
    .where(_running)
    .order_by(_jobs.created_at.desc())
    .limit(bindparam("most", type_=Whole))
)
NEEDS_RECOVERY = select(
    or_(exists().where(_lapsed), exists().where(_jobs.status == spelt(JobState.PAUSED)))
)
HAS_SCHEDULED = select(
    exists().where(_jobs.status == spelt(JobState.SCHEDULED), _jobs.run_at <= _now)
)
SIGNALS = select(_jobs.job_id, _jobs.attempt, _jobs.status, _jobs.cancel_requested).where(
    _jobs.job_id.in_(bindparam("rows", expanding=True))
)
LOCK = select(_jobs.job_id).where(_this).with_for_update(key_share=True)
UNCLAIMABLE = (
    select(background_jobs)
    .where(
        _jobs.status == spelt(JobState.QUEUED),
        or_(
            _jobs.job_type.not_in(bindparam("types", expanding=True)),
            _jobs.queue.not_in(bindparam("queues", expanding=True)),
        ),
        _jobs.turn_at < bindparam("before", type_=Instant),
    )
    .limit(bindparam("most"))
)
STILL_RUNNING = select(_jobs.job_id).where(_fence).with_for_update(key_share=True)
PROGRESS = (
    update(background_jobs)
    .where(_fence)
    .values(
        progress_percent=bindparam("new_percent"),
        progress_rate=bindparam("new_rate", type_=Real),
        message=bindparam("new_message"),
        updated_at=_now,
    )
)
HEARTBEAT = (
    update(background_jobs)
    .where(_fence)
    .values(lease_until=bindparam("new_lease_until"), heartbeat_at=_now)
)
# The limited claim: jobs whose places were taken a moment ago in the same transaction.
START = (
    update(background_jobs)
    .where(_this, _jobs.status == spelt(JobState.QUEUED))
    .values(**_started)
    .returning(background_jobs)
)


@lru_cache
def _mssql_due(limit: int, lanes: int) -> TextualSelect:
    wanted = " OR ".join(f"(queue = :queue{n} AND job_type = :type{n})" for n in range(lanes))
    values: list[BindParameter[str]] = [
        bindparam(f"{name}{n}") for n in range(lanes) for name in ("queue", "type")
    ]
    return (
        text(
            f'SELECT TOP ({limit}) job_id FROM "BackgroundJobs" '
            "WITH (UPDLOCK, READPAST, ROWLOCK) "
            f"WHERE status = 'queued' AND ({wanted}) AND NOT EXISTS ("
            "SELECT 1 FROM \"JobPauses\" WHERE (kind = 'queue' AND name = queue) "
            "OR (kind = 'job_type' AND name = job_type)) ORDER BY turn_at"
        )
        .bindparams(*values)
        .columns(_jobs.job_id)
    )


@lru_cache
def mssql_claim(limit: int, lanes: int) -> Update:
    """Take up to `limit` queued jobs: found, locked and marked in one statement."""
    due = _mssql_due(limit, lanes).cte("due")
    return (
        update(background_jobs)
        .where(_jobs.job_id.in_(select(due.c.job_id)))
        .values(**_started)
        .returning(background_jobs)
    )


@lru_cache
def mssql_has_due(lanes: int) -> TextualSelect:
    return _mssql_due(1, lanes)


@lru_cache
def leave_running(target: JobState) -> Update:
    """End an attempt in `target`; a job that was told to cancel never goes on from here."""
    if target not in TRANSITIONS[JobState.RUNNING]:
        raise ValueError(f"a running job cannot become {target}")
    if target.is_final:
        status: ColumnElement[str] = spelt(target)
        completed_at: ColumnElement[Any] = _now
    else:
        status = case((_jobs.cancel_requested, spelt(JobState.CANCELLED)), else_=spelt(target))
        completed_at = case((_jobs.cancel_requested, _now), else_=null())
    return (
        update(background_jobs)
        .where(_fence)
        .values(
            status=status,
            progress_percent=func.coalesce(
                bindparam("new_percent", type_=Real), _jobs.progress_percent
            ),
            progress_rate=None,
            message=func.coalesce(bindparam("new_message", type_=Prose), _jobs.message),
            result_data=bindparam("new_result", type_=Json),
            error_details=bindparam("new_error", type_=Prose),
            run_at=func.coalesce(bindparam("new_run_at", type_=Instant), _jobs.run_at),
            turn_at=func.coalesce(bindparam("new_turn_at", type_=Instant), _jobs.turn_at),
            errors=_jobs.errors + bindparam("more_errors", type_=Whole),
            crashes=_jobs.crashes + bindparam("more_crashes", type_=Whole),
            waits_for_service=bindparam("new_service", type_=Name(20)),
            completed_at=completed_at,
            updated_at=_now,
        )
        .returning(background_jobs)
    )
