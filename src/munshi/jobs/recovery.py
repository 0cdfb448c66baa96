"""Takes back the jobs of workers that fell silent: by lease expiry, never by a start."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from munshi.clock import Clock
from munshi.domain.audit import MUNSHI
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job, JobState
from munshi.errors import JobStateConflictError, JobUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.endings import after_silence, raise_held_alert, record_ending

# So long a newer version may be on its way to the workers.
UNCLAIMABLE_AFTER = timedelta(minutes=10)
LONGEST_BETWEEN_RECOVERIES = 10.0
STEP_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class RecoveryTurns:
    """When a worker looks for those that fell silent: at its start, then three times a lease.

    After an outage or a step of the clock every lease may seem to have run out although its
    holder is well, so the holders get time to renew; but never so often that nobody looks.
    """

    def __init__(self, clock: Clock, *, lease: timedelta) -> None:
        self._clock = clock
        self._lease = lease.total_seconds()
        self._pause = min(self._lease / 3, LONGEST_BETWEEN_RECOVERIES)
        self._next = self._latest = clock.monotonic()
        self._ahead = self._wall_ahead()

    def is_due(self) -> bool:
        ahead = self._wall_ahead()
        if abs(ahead - self._ahead) > STEP_SECONDS:
            self.let_others_renew()
        self._ahead = ahead
        return self._clock.monotonic() >= self._next

    def done(self) -> None:
        now = self._clock.monotonic()
        self._next, self._latest = now + self._pause, now + 2 * self._lease

    def let_others_renew(self) -> None:
        later = min(self._clock.monotonic() + self._pause, self._latest)
        self._next = max(self._next, later)

    def _wall_ahead(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


def recover(database: Database, clock: Clock, registry: Mapping[str, JobSpec]) -> list[Job]:
    """End every lapsed attempt and wake paused jobs whose login was missed; the jobs ended.

    An idempotent job is queued again, until it has crashed too often; any other is held.
    """
    recovered: list[Job] = []
    with database.observing() as tx:
        if not tx.attempts.needs_recovery(now=clock.now()):
            return recovered
    with database.transaction() as tx:
        now = clock.now()
        for job in tx.attempts.list_lapsed_jobs(now=now):
            spec = registry.get(job.job_type)
            ending = after_silence(job, spec)
            recovered.append(record_ending(tx, job, ending, spec=spec, now=now))
        if queued := tx.jobs.resume_missed(now=now):
            details = {"queued": queued, "why": "the login came while they were being paused"}
            tx.audit.log("job", "resume", details=details, actor=MUNSHI, now=now)
    for job in recovered:
        _log.warning(
            "job_lease_expired", job_id=str(job.job_id), attempt=job.attempt, state=str(job.state)
        )
    return recovered


def hold_unclaimable(database: Database, clock: Clock, lanes: Sequence[Lane]) -> list[Job]:
    """Hold jobs that have waited for ten minutes and that no lane leads to; the jobs held.

    Their type, or their queue, was taken away, or only another version of Munshi knows it.
    """
    now = clock.now()
    with database.reading() as tx:
        found = tx.attempts.list_unclaimable(lanes=lanes, before=now - UNCLAIMABLE_AFTER)
    known = {lane.job_type for lane in lanes}
    held: list[Job] = []
    for job in found:
        why = f"No worker here knows the job type {job.job_type!r}."
        if job.job_type in known:
            why = f"There is no queue {job.queue!r} any more."
        # Another worker may hold it, or a person move it, at the same moment.
        with suppress(JobStateConflictError, JobUnknownError):
            with database.transaction() as tx:
                held_now = _hold(tx, job, why, now=now)
            held.append(held_now)
    return held


def _hold(tx: Transaction, job: Job, why: str, *, now: datetime) -> Job:
    held = tx.jobs.hold_queued_job(job.job_id, error=why, now=now)
    details = {"job_type": job.job_type, "error": why}
    tx.audit.log_job_action(
        job.job_id,
        JobState.HELD,
        old_value={"state": job.state},
        new_value={"state": held.state},
        details=details,
        actor=MUNSHI,
        now=now,
    )
    raise_held_alert(tx, job, why="can be run by no worker", now=now)
    return held
