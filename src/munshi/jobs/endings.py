"""How an attempt ends: success, retry, failure, pause, crash; stored with audit and alert."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from munshi.domain.alerts import Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import AppError, BrokerThrottledError
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.causes import cause

CRASH_CAP = 3
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=15)
_AUDITED = frozenset({JobState.FAILED, JobState.DEAD, JobState.HELD, JobState.CANCELLED})
_random = random.SystemRandom()


def held_alert(job: Job) -> str:
    """The fingerprint of the alert that a held job raises."""
    return f"job_held:{job.job_id}"


def after_success(result: Mapping[str, object], message: str) -> JobEnding:
    return JobEnding(
        state=JobState.SUCCEEDED,
        outcome=AttemptOutcome.SUCCEEDED,
        percent=100,
        message=message,
        result=result,
    )


def after_error(error: BaseException, *, now: datetime) -> JobEnding:
    """`scheduled` asks for another try, which `record_ending` grants while some are left."""
    wanted = JobState.FAILED
    run_at = None
    if isinstance(error, AppError) and error.retryable:
        wanted = JobState.SCHEDULED
        run_at = now
        if isinstance(error, BrokerThrottledError):
            run_at = now + timedelta(seconds=error.retry_after)
    return JobEnding(state=wanted, outcome=AttemptOutcome.ERROR, error=cause(error), run_at=run_at)


def after_crash(job: Job, spec: JobSpec | None, *, crashes: int) -> JobEnding:
    """What becomes of a job whose worker fell silent; `crashes` counts this one."""
    error = "Its worker stopped answering and the lease ran out."
    state = JobState.QUEUED
    if spec is None or not spec.idempotent:
        state = JobState.HELD
        error += " It may have done part of its work, so it is not repeated without a person."
    elif crashes >= CRASH_CAP:
        state = JobState.DEAD
        error += f" That was the {crashes}th time; it is not tried again."
    if job.cancel_requested:
        state = JobState.CANCELLED
    return JobEnding(state=state, outcome=AttemptOutcome.LEASE_EXPIRED, error=error)


def after_stop(spec: JobSpec | None) -> JobEnding:
    """What becomes of a job that was still running when its worker had to end."""
    if spec is not None and spec.idempotent:
        return JobEnding(
            state=JobState.QUEUED,
            outcome=AttemptOutcome.RELEASED,
            message="Handed back when its worker stopped.",
        )
    return JobEnding(
        state=JobState.HELD,
        outcome=AttemptOutcome.RELEASED,
        error="Its worker was stopped while it ran; it may have done part of its work, so it is "
        "not repeated without a person.",
    )


def backoff(tries: int) -> timedelta:
    """Doubles with every try, a quarter more or less so that failures do not march in step."""
    doubled: int = 2 ** min(tries - 1, 20)
    return min(FIRST_RETRY * doubled, LONGEST_RETRY) * _random.uniform(0.75, 1.25)


def record_ending(tx: Transaction, job: Job, ending: JobEnding, *, now: datetime) -> Job:
    """End `job`'s running attempt; what did not succeed is audited, and held raises an alert.

    Raises JobAttemptFencedError if a newer attempt has taken over.
    """
    if ending.state is JobState.SCHEDULED:
        ending = _retry(tx, job, ending, now=now)
    ended = tx.jobs.finish(job.job_id, job.attempt, ending, now=now)
    if ended.schedule_name is not None and ended.state.is_final:
        tx.schedules.record_job_end(ended, now=now)
    if ended.state in _AUDITED:
        tx.audit.log_job_action(
            job.job_id,
            ended.state,
            details={"job_type": job.job_type, "attempt": job.attempt, "error": ending.error},
            actor=MUNSHI,
            now=now,
        )
    if ended.state is JobState.HELD:
        tx.alerts.raise_alert(
            held_alert(job),
            kind="job_held",
            severity=Severity.WARNING,
            title=f"{job.job_type} {job.job_id} was interrupted and is held until a person "
            f"decides: munshi jobs show {job.job_id}",
            subject=str(job.job_id),
            now=now,
        )
    return ended


def _retry(tx: Transaction, job: Job, ending: JobEnding, *, now: datetime) -> JobEnding:
    tries = tx.jobs.count_attempts(job.job_id, AttemptOutcome.ERROR) + 1
    if tries >= job.max_attempts:
        return replace(ending, state=JobState.DEAD, run_at=None)
    run_at = max(ending.run_at or now, now + backoff(tries))
    return replace(ending, run_at=run_at, message=f"Try {tries} failed; tried again later.")
