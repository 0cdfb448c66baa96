"""A desk with the test handlers: its service, and as many workers as a test wants."""

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from clocks import FakeClock
from jobs.handlers import REGISTRY, Stage
from jobs.waiting import until
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.jobs import DEFAULT_QUEUE, AttemptOutcome, Job
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.wake import Wake
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker

ASHA = Actor(user_id="asha", request_id="r-1")


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on one database. `stage` is where tests and handlers meet."""

    database: Database
    clock: FakeClock
    wake: Wake = field(default_factory=Wake)
    stage: Stage = field(default_factory=Stage)
    workers: list[Worker] = field(default_factory=list)

    @property
    def service(self) -> JobService:
        return JobService(self.database, self.clock, registry=REGISTRY, rouse=self.wake.set)

    def ask(self, job_type: str, text: str = "x") -> UUID:
        return self.service.enqueue(job_type, {"text": text}, actor=ASHA).job_id

    def get(self, job_id: UUID) -> Job:
        return self.service.get(job_id)

    def outcomes(self, job_id: UUID) -> list[AttemptOutcome | None]:
        """How each attempt ended, oldest first."""
        return [attempt.outcome for attempt in self.service.attempts(job_id)]

    def audited(self, job_id: UUID) -> list[str]:
        """The actions on record, oldest first."""
        with self.database.reading() as tx:
            found = tx.audit.get_logs_by_entity("job", str(job_id))
        return [entry.action for entry in reversed(found)]

    def worker(
        self,
        *,
        clock: Clock | None = None,
        threads: int = 4,
        lease_seconds: float = 0.6,
        poll_seconds: float = 0.05,
    ) -> Worker:
        """A worker whose keeper beats often, since its lease is short; the clock stands still."""
        made = Worker(
            self.database,
            clock or self.clock,
            registry=REGISTRY,
            services=self.stage,
            wake=self.wake,
            threads=threads,
            lease_seconds=lease_seconds,
            poll_seconds=poll_seconds,
        )
        self.workers.append(made)
        return made

    def claim(self, worker_id: str, *, lease: timedelta) -> Job:
        """The next job, taken by hand as a worker would."""
        lanes = [Lane(DEFAULT_QUEUE, job_type) for job_type in REGISTRY]
        with self.database.transaction() as tx:
            (job,) = tx.attempts.claim_jobs(
                worker_id, lanes=lanes, limit=1, lease=lease, now=self.clock.now()
            )
        return job

    def run_until_idle(self) -> int:
        return self.worker().run_until_idle()

    def close(self) -> None:
        self.stage.go_on.set()
        for worker in self.workers:
            worker.stop(grace=5)
        # A handler that was left behind still says its last word.
        until(lambda: not any(thread.name == "job-runner" for thread in threading.enumerate()))
