"""Rows of BackgroundJobs and JobAttempts as the domain knows them, and back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from munshi.domain.enums import Service
from munshi.domain.jobs import AttemptOutcome, Job, JobAttempt, JobState, NewJob


def new_row(new: NewJob, *, now: datetime) -> dict[str, Any]:
    return {
        "job_id": new.job_id,
        "job_type": new.job_type,
        "status": JobState.SCHEDULED if new.run_at > now else JobState.QUEUED,
        "parameters": new.parameters,
        "priority": new.priority,
        "max_attempts": new.max_attempts,
        "run_at": new.run_at,
        "cancel_requested": False,
        "idempotency_key": new.idempotency_key,
        "parent_id": new.parent_id,
        "queue": new.queue,
        "turn_at": new.turn_at,
        "concurrency_key": new.concurrency_key,
        "idempotency_until": new.idempotency_until,
        "schedule_name": new.schedule_name,
        "created_by": new.created_by,
        "created_at": now,
        "updated_at": now,
    }


def to_job(row: Row[Any]) -> Job:
    return Job(
        job_id=row.job_id,
        job_type=row.job_type,
        state=JobState(row.status),
        progress_percent=row.progress_percent,
        message=row.message or "",
        parameters=row.parameters,
        result_data=row.result_data,
        error_details=row.error_details,
        priority=row.priority,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        run_at=row.run_at,
        waits_for_service=Service(row.waits_for_service) if row.waits_for_service else None,
        created_by=row.created_by,
        idempotency_key=row.idempotency_key,
        cancel_requested=row.cancel_requested,
        created_at=row.created_at,
        started_at=row.started_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
        parent_id=row.parent_id,
        queue=row.queue,
        concurrency_key=row.concurrency_key,
        idempotency_until=row.idempotency_until,
        schedule_name=row.schedule_name,
        errors=row.errors,
        crashes=row.crashes,
        progress_rate=row.progress_rate,
        imported_from=row.imported_from,
    )


def ended_attempt(
    row: Row[Any], *, outcome: AttemptOutcome, error: str | None, now: datetime
) -> dict[str, Any]:
    """The attempt that `row` of BackgroundJobs ran, now over."""
    return {
        "job_id": row.job_id,
        "attempt": row.attempt,
        "worker_id": row.worker_id,
        "lease_until": row.lease_until,
        "heartbeat_at": row.heartbeat_at or row.attempt_started_at,
        "started_at": row.attempt_started_at,
        "finished_at": now,
        "outcome": outcome,
        "error": error,
    }


def running_attempt(row: Row[Any]) -> JobAttempt:
    """The attempt that `row` of BackgroundJobs runs."""
    return JobAttempt(
        job_id=row.job_id,
        attempt=row.attempt,
        worker_id=row.worker_id,
        lease_until=row.lease_until,
        heartbeat_at=row.heartbeat_at or row.attempt_started_at,
        started_at=row.attempt_started_at,
        finished_at=None,
        outcome=None,
        error=None,
    )


def to_attempt(row: Row[Any]) -> JobAttempt:
    return JobAttempt(
        job_id=row.job_id,
        attempt=row.attempt,
        worker_id=row.worker_id,
        lease_until=row.lease_until,
        heartbeat_at=row.heartbeat_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=AttemptOutcome(row.outcome) if row.outcome else None,
        error=row.error,
    )
