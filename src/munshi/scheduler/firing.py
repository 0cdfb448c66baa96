"""One schedule's due times become rows and jobs, in one transaction, by whoever is first."""

from dataclasses import dataclass
from datetime import datetime

from munshi.domain.alerts import Severity
from munshi.domain.audit import Actor
from munshi.domain.config_keys import SCHEDULER
from munshi.domain.due_runs import Decision, Gap
from munshi.domain.schedules import ExecutionStatus, Schedule, ScheduleCursor
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.service import JobRequest, JobService
from munshi.scheduler.plan import Planned

ALERT_KIND = "schedule_failed"


class ScheduleMovedError(Exception):
    """Another scheduler was first, or the configuration has changed; nothing is to be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is due of one schedule: the cursor as it was seen, and as it will be.

    `error` says why there is no next run.
    """

    planned: Planned
    schedule: Schedule
    decision: Decision
    seen: ScheduleCursor
    cursor: ScheduleCursor
    error: str | None = None


def alert_of(name: str) -> str:
    """The fingerprint of the alert that a schedule in trouble raises."""
    return f"{ALERT_KIND}:{name}"


def fire(tx: Transaction, jobs: JobService, turn: Turn, *, now: datetime) -> int:
    """Store each due time's row and its job; how many jobs.

    Raises ScheduleMovedError, and what JobService.enqueue_in raises; then nothing may be kept.
    """
    _take(tx, turn, now=now)
    name, schedule = turn.schedule.name, turn.schedule
    fired = 0
    for due in turn.decision.fired:
        row = tx.schedules.save_execution(name, ExecutionStatus.FIRED, scheduled_for=due)
        if row is None:
            continue
        job = jobs.enqueue_in(
            tx,
            schedule.job_type,
            schedule.parameters,
            actor=Actor(user_id=f"schedule:{name}"),
            request=JobRequest(
                priority=schedule.priority,
                run_at=due,  # so that what is made up for keeps its order
                queue=schedule.queue,
                schedule_name=name,
            ),
            is_audited=False,  # the due time's row is the record
        )
        tx.schedules.give_job(row, job.job_id)
        fired += 1
    if turn.error:
        raise_alert(tx, name, f"has no next run: {turn.error}", now=now)
    elif fired:
        tx.alerts.resolve_alert(alert_of(name), now=now)
    return fired


def fail(tx: Transaction, turn: Turn, error: str, *, now: datetime) -> None:
    """Store each due time's row with why it became no job, and raise the alert.

    Raises ScheduleMovedError.
    """
    _take(tx, turn, now=now)
    name = turn.schedule.name
    for due in turn.decision.fired:
        tx.schedules.save_execution(
            name, ExecutionStatus.FAILED, scheduled_for=due, error_details=error
        )
    raise_alert(tx, name, f"could not be started: {error}", now=now)


def save_missed(tx: Transaction, name: str, missed: tuple[Gap, ...]) -> None:
    for gap in missed:
        is_one = gap.count == 1
        tx.schedules.save_execution(
            name,
            ExecutionStatus.MISSED if is_one else ExecutionStatus.GAP,
            scheduled_for=gap.first,
            missed_until=None if is_one else gap.last,
            missed_count=gap.count,
            error_details=gap.reason,
        )


def raise_alert(tx: Transaction, name: str, what: str, *, now: datetime) -> None:
    tx.alerts.raise_alert(
        alert_of(name),
        kind=ALERT_KIND,
        severity=Severity.WARNING,
        title=f"Schedule {name} {what} See: munshi schedule show {name}",
        subject=name,
        now=now,
    )


def _take(tx: Transaction, turn: Turn, *, now: datetime) -> None:
    """Move the cursor, which holds it against all other schedulers until the transaction ends."""
    if not tx.schedules.save_cursor(turn.cursor, seen=turn.seen, now=now):
        raise ScheduleMovedError
    if tx.config.get_version(SCHEDULER, turn.planned.key) != turn.planned.version:
        raise ScheduleMovedError
    save_missed(tx, turn.schedule.name, turn.decision.missed)
