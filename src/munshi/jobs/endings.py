"""How an attempt ends: success, retry, failure, pause, crash; stored with audit and alert."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from munshi.domain.alerts import Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.job_specs import Backoff, JobSpec
from munshi.domain.jobs import (
    PRIORITY_STEP,
    AttemptOutcome,
    Job,
    JobEnding,
    JobLogLine,
    JobState,
    NewJob,
)
from munshi.domain.operational_writes import BAD_STATES
from munshi.errors import AppError
from munshi.infrastructure.causes import cause
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.stops import JobPaused

_UNSURE = " It may have done part of its work, so it is not repeated without a person."
# Of what a broker asks for, in seconds: whoever says more means something else.
_LONGEST_WAIT = 7 * 86_400.0
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
        wait = getattr(error, "retry_after", None) or 0
        run_at = now + timedelta(seconds=min(wait, _LONGEST_WAIT))
    return JobEnding(state=wanted, outcome=AttemptOutcome.ERROR, error=cause(error), run_at=run_at)


def after_timeout(spec: JobSpec | None, *, now: datetime) -> JobEnding:
    """What becomes of a job that was alive but too slow; another try may be quicker."""
    seconds = spec.timeout_seconds if spec else None
    return JobEnding(
        state=JobState.SCHEDULED,
        outcome=AttemptOutcome.TIMED_OUT,
        error=f"It took longer than the {seconds or 0:,.0f} seconds that its type may take.",
        run_at=now,
    )


def after_cancel() -> JobEnding:
    return JobEnding(
        state=JobState.CANCELLED, outcome=AttemptOutcome.CANCELLED, message="Cancelled."
    )


def after_pause(pause: JobPaused) -> JobEnding:
    return JobEnding(
        state=JobState.PAUSED,
        outcome=AttemptOutcome.PAUSED,
        message=f"Log in at {pause.service.capitalize()}: {pause.link}",
        waits_for_service=pause.service,
    )


def after_fan_out(children: Sequence[NewJob]) -> JobEnding:
    return JobEnding(
        state=JobState.WAITING,
        outcome=AttemptOutcome.WAITING,
        percent=0,
        message=f"Waits for its {len(children)} parts.",
        children=tuple(children),
    )


def after_silence(job: Job, spec: JobSpec | None) -> JobEnding:
    """What becomes of a job whose worker fell silent."""
    error = "Its worker stopped answering and the lease ran out."
    return _after_crash(job, spec, error, outcome=AttemptOutcome.LEASE_EXPIRED)


def after_crash(job: Job, spec: JobSpec | None, error: str, *, now: datetime) -> JobEnding:
    """What becomes of a job whose own process died while its worker lived on."""
    ending = _after_crash(job, spec, error, outcome=AttemptOutcome.CRASHED)
    if ending.state is not JobState.QUEUED:
        return ending
    return _later(job, ending, now + _wait(spec, job.crashes + 1))


def _after_crash(
    job: Job, spec: JobSpec | None, error: str, *, outcome: AttemptOutcome
) -> JobEnding:
    state = JobState.QUEUED
    crashes = job.crashes + 1
    if spec is None or not spec.idempotent:
        state = JobState.HELD
        error += _UNSURE
    elif crashes >= spec.max_crashes:
        state = JobState.DEAD
        error += f" That was the {crashes}th time; it is not tried again."
    if job.cancel_requested:
        state = JobState.CANCELLED
    return JobEnding(state=state, outcome=outcome, error=error)


def after_stop(spec: JobSpec | None, *, has_begun: bool = True) -> JobEnding:
    """What becomes of a job that a worker had when it had to end."""
    if not has_begun or (spec is not None and spec.idempotent):
        return JobEnding(
            state=JobState.QUEUED,
            outcome=AttemptOutcome.RELEASED,
            message="Handed back when its worker stopped.",
        )
    return JobEnding(
        state=JobState.HELD,
        outcome=AttemptOutcome.RELEASED,
        error=f"Its worker was stopped while it ran.{_UNSURE}",
    )


def record_ending(
    tx: Transaction,
    job: Job,
    ending: JobEnding,
    *,
    spec: JobSpec | None,
    log: Sequence[JobLogLine] = (),
    now: datetime,
) -> Job:
    """End `job`'s running attempt; what did not succeed is audited, and held raises an alert.

    So is a fan-out: one row for all the parts.

    Raises JobAttemptFencedError if a newer attempt has taken over.
    """
    if ending.state is JobState.SCHEDULED and ending.outcome.is_error:
        ending = _retry(job, ending, spec, now=now)
    if job.parent_id is not None:
        tx.attempts.lock_parent(job.parent_id)
    ended = tx.attempts.finish(job.job_id, job.attempt, ending, now=now)
    tx.job_logs.append(log)
    if ended.schedule_name is not None and ended.state.is_final:
        tx.schedules.record_job_end(ended, now=now)
    if ended.state in BAD_STATES:
        _audit_ending(tx, ended, ending, now=now)
    if ended.state is JobState.HELD:
        raise_held_alert(tx, job, why="was interrupted", now=now)
    return ended


def _audit_ending(tx: Transaction, ended: Job, ending: JobEnding, *, now: datetime) -> None:
    details: dict[str, object] = {"job_type": ended.job_type, "attempt": ended.attempt}
    action = str(ended.state)
    if ended.state is JobState.WAITING:
        action = "fan_out"
        types = Counter(child.job_type for child in ending.children)
        details |= {"parts": types.total(), "job_types": dict(types)}
    elif ended.state is JobState.PAUSED:
        details["waits_for_service"] = ending.waits_for_service
    else:
        details["error"] = ending.error
    tx.audit.log_job_action(
        ended.job_id,
        action,
        old_value={"state": JobState.RUNNING},
        new_value={"state": ended.state},
        details=details,
        actor=MUNSHI,
        now=now,
    )


def raise_held_alert(tx: Transaction, job: Job, *, why: str, now: datetime) -> None:
    tx.alerts.raise_alert(
        held_alert(job),
        kind="job_held",
        severity=Severity.WARNING,
        title=f"{job.job_type} {job.job_id} {why} and is held until a person decides: "
        f"munshi jobs show {job.job_id}",
        subject=str(job.job_id),
        now=now,
    )


def _retry(job: Job, ending: JobEnding, spec: JobSpec | None, *, now: datetime) -> JobEnding:
    tries = job.errors + 1
    if tries >= job.max_attempts:
        return replace(ending, state=JobState.DEAD, run_at=None)
    again = max(ending.run_at or now, now + _wait(spec, tries))
    return replace(_later(job, ending, again), message=f"Try {tries} failed; tried again later.")


def _wait(spec: JobSpec | None, tries: int) -> timedelta:
    """A quarter more or less than the doubled wait, so that failures do not march in step."""
    backoff = spec.backoff if spec else Backoff()
    return timedelta(seconds=backoff.seconds(tries)) * _random.uniform(0.75, 1.25)


def _later(job: Job, ending: JobEnding, run_at: datetime) -> JobEnding:
    turn_at = run_at + job.priority * PRIORITY_STEP
    return replace(ending, state=JobState.SCHEDULED, run_at=run_at, turn_at=turn_at)
