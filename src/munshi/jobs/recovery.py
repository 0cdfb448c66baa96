"""Takes back the jobs of workers that fell silent: by lease expiry, never by a start."""

from collections.abc import Mapping

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, Job
from munshi.infrastructure.database.engine import Database
from munshi.jobs.endings import after_crash, record_ending

_log = structlog.get_logger(__name__)


def recover(database: Database, clock: Clock, registry: Mapping[str, JobSpec]) -> list[Job]:
    """End every lapsed attempt and wake paused jobs whose login was missed; the jobs ended.

    An idempotent job is queued again, until it has crashed too often; any other is held.
    """
    recovered: list[Job] = []
    with database.reading() as tx:
        if not tx.jobs.needs_recovery(now=clock.now()):
            return recovered
    with database.transaction() as tx:
        now = clock.now()
        for job in tx.jobs.list_lapsed_jobs(now=now):
            crashes = tx.jobs.count_attempts(job.job_id, AttemptOutcome.LEASE_EXPIRED) + 1
            ending = after_crash(job, registry.get(job.job_type), crashes=crashes)
            recovered.append(record_ending(tx, job, ending, now=now))
        tx.jobs.resume_missed(now=now)
    for job in recovered:
        _log.warning(
            "job_lease_expired", job_id=str(job.job_id), attempt=job.attempt, state=str(job.state)
        )
    return recovered
