"""What is done to jobs by hand, in the caller's transaction: each act with its audit row."""

import json
from datetime import datetime
from uuid import UUID

from munshi.domain.audit import Actor
from munshi.domain.jobs import Job, NewJob
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.endings import held_alert


def audit_new(tx: Transaction, new: NewJob, job: Job, *, actor: Actor, now: datetime) -> None:
    details = {"job_type": new.job_type, "parameters": json.dumps(new.parameters)}
    if new.schedule_name:
        details["schedule"] = new.schedule_name
    tx.audit.log_job_action(
        job.job_id,
        "enqueue",
        new_value={"state": job.state, "queue": new.queue, "priority": new.priority},
        details=details,
        actor=actor,
        now=now,
    )


def cancel_in(tx: Transaction, job_id: UUID, *, actor: Actor, now: datetime) -> Job:
    """One audit row for the family: the parts that are cancelled with their whole are counted."""
    before = tx.jobs.get_job(job_id)
    held = tx.jobs.list_held_below(job_id)
    job, parts = tx.jobs.cancel_family(job_id, now=now)
    for each in (job, *held):
        tx.alerts.resolve_alert(held_alert(each), now=now)
    details: dict[str, object] = {"job_type": job.job_type, "state": str(job.state)}
    if parts:
        details["parts"] = parts
    tx.audit.log_job_action(
        job_id,
        "cancel",
        old_value=_state(before),
        new_value=_state(job),
        details=details,
        actor=actor,
        now=now,
    )
    return job


def retry_in(tx: Transaction, job_id: UUID, *, actor: Actor, now: datetime) -> Job:
    before = tx.jobs.get_job(job_id)
    job = tx.jobs.retry_job(job_id, now=now)
    tx.alerts.resolve_alert(held_alert(job), now=now)
    details = {"job_type": job.job_type, "attempt": job.attempt}
    tx.audit.log_job_action(
        job_id,
        "retry",
        old_value=_state(before),
        new_value=_state(job),
        details=details,
        actor=actor,
        now=now,
    )
    return job


def discard_in(tx: Transaction, job_id: UUID, *, actor: Actor, now: datetime) -> None:
    before = tx.jobs.get_job(job_id)
    tx.jobs.discard_job(job_id)
    details = {"job_type": before.job_type} if before else {}
    tx.audit.log_job_action(
        job_id, "discard", old_value=_state(before), details=details, actor=actor, now=now
    )


def _state(job: Job | None) -> dict[str, object] | None:
    if job is None:
        return None
    asked = {"cancel_requested": True} if job.cancel_requested else {}
    return {"state": str(job.state), **asked}
