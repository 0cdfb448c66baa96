"""A worker's row in JobWorkers: that it lives, and what it does."""

import os
import platform
from datetime import timedelta

from munshi.clock import Clock
from munshi.domain.jobs import JobWorker, WorkerStatus
from munshi.infrastructure.database.engine import Database

SECONDS_BETWEEN_SIGNS = 10.0
FORGOTTEN_AFTER = timedelta(days=1)


class LifeSigns:
    """Written now and then; what a killed worker left is forgotten after a day."""

    def __init__(self, database: Database, clock: Clock, *, worker_id: str, threads: int) -> None:
        self._database = database
        self._clock = clock
        self._worker_id = worker_id
        self._threads = threads
        self._started_at = clock.now()
        self._next = clock.monotonic()

    def show_now_and_then(self, status: WorkerStatus, *, running: int, abandoned: int) -> None:
        """`show`, unless that was done a moment ago."""
        if self._clock.monotonic() >= self._next:
            self.show(status, running=running, abandoned=abandoned)

    def show(self, status: WorkerStatus, *, running: int, abandoned: int) -> None:
        self._next = self._clock.monotonic() + SECONDS_BETWEEN_SIGNS
        now = self._clock.now()
        worker = JobWorker(
            worker_id=self._worker_id,
            host=platform.node()[:100],
            process_id=os.getpid(),
            status=status,
            threads=self._threads,
            running=running,
            abandoned=abandoned,
            started_at=self._started_at,
            heartbeat_at=now,
        )
        with self._database.operational() as tx:
            tx.queues.save_worker(worker)
            tx.queues.forget_silent_workers(before=now - FORGOTTEN_AFTER)

    def leave(self) -> None:
        """The worker has ended well."""
        with self._database.operational() as tx:
            tx.queues.remove_worker(self._worker_id)
