"""Keeps the jobs of one worker alive: leases, progress and the wish to cancel, all coalesced."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from munshi.clock import Clock
from munshi.domain.jobs import JobState
from munshi.errors import JobAttemptFencedError
from munshi.infrastructure.database.engine import Database
from munshi.jobs.causes import cause, trace
from munshi.jobs.run import JobRun

LONGEST_BEAT = 0.5
_log = structlog.get_logger(__name__)


class LeaseKeeper:
    """At most one write a beat for all running jobs, however much their handlers report."""

    def __init__(self, database: Database, clock: Clock, *, lease: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._beat_seconds = min(LONGEST_BEAT, lease.total_seconds() / 6)
        self._lock = threading.Lock()
        self._runs: set[JobRun] = set()

    def add(self, run: JobRun) -> None:
        with self._lock:
            self._runs.add(run)

    def remove(self, run: JobRun) -> None:
        with self._lock:
            self._runs.discard(run)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat in a thread of its own for as long as the block lasts."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="job-keeper", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self._beat_seconds):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - the database may come back
                _log.error("job_heartbeat_failed", cause=cause(error), trace=trace(error))

    def beat(self) -> None:
        """Hear who must stop, save progress, and extend leases that are a third used up."""
        with self._lock:
            runs = [run for run in self._runs if not run.is_fenced]
        if not runs:
            return
        self._hear(runs)
        due = self._clock.now() + self._lease * 2 / 3
        self._save([run for run in runs if not run.is_fenced], due=due)

    def renew(self, run: JobRun) -> None:
        """Extend one lease now, or fence the run if it was lost."""
        self._save([run], due=run.lease_until)

    def _hear(self, runs: list[JobRun]) -> None:
        with self._database.reading() as tx:
            signals = {
                signal.job_id: signal
                for signal in tx.jobs.list_signals([run.job_id for run in runs])
            }
        for run in runs:
            signal = signals.get(run.job_id)
            if signal is None or (signal.attempt, signal.state) != (run.attempt, JobState.RUNNING):
                run.fence()
            elif signal.cancel_requested:
                run.cancel()

    def _save(self, runs: list[JobRun], *, due: datetime) -> None:
        now = self._clock.now()
        unsaved = {run: saved for run in runs if (saved := run.take_unsaved()) is not None}
        lapsing = [run for run in runs if run.lease_until <= due]
        if not unsaved and not lapsing:
            return
        try:
            with self._database.operational() as tx:
                for run in runs:
                    try:
                        # The job's row before the attempt's, as everywhere: no deadlock.
                        if run in unsaved:
                            percent, message = unsaved[run]
                            tx.jobs.record_progress(
                                run.job_id, run.attempt, percent=percent, message=message, now=now
                            )
                        if run in lapsing:
                            tx.jobs.heartbeat(run.job_id, run.attempt, lease=self._lease, now=now)
                    except JobAttemptFencedError:
                        run.fence()
        except BaseException:
            for run in unsaved:
                run.put_back()
            raise
        for run in lapsing:
            run.extend(now + self._lease)
