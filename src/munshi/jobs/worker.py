"""Claims jobs, runs them in threads and records how they ended; its start is the recovery."""

import os
import platform
import random
import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import JobAttemptFencedError
from munshi.infrastructure.database.engine import Database
from munshi.jobs.causes import cause, trace
from munshi.jobs.endings import after_stop, record_ending
from munshi.jobs.keeper import LeaseKeeper
from munshi.jobs.recovery import recover
from munshi.jobs.run import JobRun
from munshi.jobs.runner import JobRunner

GRACE_SECONDS = 10.0
LONGEST_BETWEEN_RECOVERIES = 10.0
STORE_DELAYS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
UNSTORABLE = JobEnding(
    state=JobState.FAILED,
    outcome=AttemptOutcome.ERROR,
    error="The job's result could not be stored; the log says why.",
)
_log = structlog.get_logger(__name__)
_random = random.SystemRandom()


class Worker:
    """One worker of a process. `services` is what handlers are given.

    `wake` is set by whoever enqueues in this process; other processes' jobs are found by
    polling. `run` works until told to stop, `start` and `stop` do so in a thread of their own.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        services: object,
        wake: threading.Event | None = None,
        threads: int = 4,
        lease_seconds: float = 30.0,
        poll_seconds: float = 0.5,
    ) -> None:
        self.worker_id = f"{platform.node()[:50]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._database = database
        self._clock = clock
        self._registry = registry
        self._threads = threads
        self._lease = timedelta(seconds=lease_seconds)
        self._poll_seconds = poll_seconds
        self._runner = JobRunner(registry, services=services, clock=clock)
        self._keeper = LeaseKeeper(database, clock, lease=self._lease)
        self._wake = wake or threading.Event()
        self._changed = threading.Condition()
        self._active: set[JobRun] = set()
        self._stop = threading.Event()
        self._grace = GRACE_SECONDS
        self._next_recovery = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work in the background."""
        self._stop.clear()
        self._thread = threading.Thread(
            target=self.run, args=(self._stop,), name="worker", daemon=True
        )
        self._thread.start()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Claim no more, wait up to `grace` seconds, hand back what still runs."""
        self._grace = grace
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def run(self, stop: threading.Event, *, grace: float | None = None) -> None:
        """Work until `stop` is set, then drain. Outlives a database that is away."""
        self._next_recovery = self._clock.monotonic()
        with self._keeper.beating():
            while not stop.is_set():
                self._wake.clear()
                if not self._cycle():
                    self._wake.wait(self._poll_seconds * _random.uniform(0.75, 1.25))
            self._drain(self._grace if grace is None else grace)

    def _cycle(self) -> int:
        try:
            if self._clock.monotonic() >= self._next_recovery:
                self.recover()
                pause = min(self._lease.total_seconds() / 3, LONGEST_BETWEEN_RECOVERIES)
                self._next_recovery = self._clock.monotonic() + pause
            return self._claim()
        except Exception as error:  # noqa: BLE001 - the database may come back
            _log.error("worker_cycle_failed", cause=cause(error), trace=trace(error))
            return 0

    def run_until_idle(self) -> int:
        """Work until nothing is due and nothing runs; how many jobs were run."""
        ran = 0
        with self._keeper.beating():
            try:
                self.recover()
                while True:
                    self._wake.clear()
                    started = self._claim()
                    ran += started
                    if started:
                        continue
                    with self._changed:
                        if not self._active:
                            return ran
                    self._wake.wait(self._poll_seconds)
            finally:
                self._drain(0)

    def recover(self) -> list[Job]:
        """Take back jobs whose worker fell silent."""
        return recover(self._database, self._clock, self._registry)

    def _claim(self) -> int:
        with self._changed:
            free = self._threads - len(self._active)
        if free <= 0:
            return 0
        now = self._clock.now()
        with self._database.reading() as tx:
            if not tx.jobs.has_due_jobs(now=now):
                return 0
        with self._database.transaction() as tx:
            jobs = tx.jobs.claim_jobs(self.worker_id, limit=free, lease=self._lease, now=now)
        for job in jobs:
            self._begin(job, lease_until=now + self._lease)
        return len(jobs)

    def _begin(self, job: Job, *, lease_until: datetime) -> None:
        run = JobRun(job, lease_until=lease_until, renew=self._keeper.renew, clock=self._clock)
        with self._changed:
            self._active.add(run)
        self._keeper.add(run)
        threading.Thread(
            target=self._work, args=(run,), name=f"job-{job.job_id}", daemon=True
        ).start()

    def _work(self, run: JobRun) -> None:
        structlog.contextvars.bind_contextvars(job_id=str(run.job_id))
        try:
            ending = self._runner.run(run.job, run)
            if ending is None:
                _log.warning("job_fenced", attempt=run.attempt)
            else:
                self._store(run, ending)
        finally:
            self._keeper.remove(run)
            with self._changed:
                self._active.discard(run)
                self._changed.notify_all()
            self._wake.set()

    def _store(self, run: JobRun, ending: JobEnding) -> None:
        """Record the end, trying for a while; failing that, the lease runs out."""
        percent, message = run.reported()
        kept = replace(
            ending,
            percent=percent if ending.percent is None else ending.percent,
            message=message if ending.message is None else ending.message,
        )
        run.take_unsaved()
        for delay in STORE_DELAYS:
            if self._try_store(run, kept):
                return
            threading.Event().wait(delay)
        if not self._try_store(run, UNSTORABLE):
            _log.error("job_ending_lost", attempt=run.attempt)

    def _try_store(self, run: JobRun, ending: JobEnding) -> bool:
        try:
            with self._database.transaction() as tx:
                record_ending(tx, run.job, ending, now=self._clock.now())
        except JobAttemptFencedError:
            _log.warning("job_fenced", attempt=run.attempt)
        except Exception as error:  # noqa: BLE001 - the database is away, or refuses a value
            _log.error("job_ending_not_stored", cause=cause(error), trace=trace(error))
            return False
        return True

    def _drain(self, grace: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._active, timeout=grace)
            left = list(self._active)
        for run in left:
            run.fence()
            self._try_store(run, after_stop(self._registry.get(run.job.job_type)))
