"""Keeps the jobs of one worker alive: leases, progress, logs and the wish to stop, coalesced."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from munshi.clock import Clock
from munshi.domain.jobs import JobLogLine, JobState
from munshi.errors import DatabaseUnreachableError, JobAttemptFencedError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_connection import patience, patience_within
from munshi.jobs.progress import Progress
from munshi.jobs.run import JobRun
from munshi.jobs.troubles import Trouble

LONGEST_BEAT = 0.5


class LeaseKeeper:
    """At most one write a beat for each running job, however much its handler reports."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lease: timedelta,
        every_beat: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._every_beat = every_beat
        self._beat_seconds = min(LONGEST_BEAT, lease.total_seconds() / 6)
        self._lock = threading.Lock()
        self._runs: set[JobRun] = set()

    def add(self, runs: Iterable[JobRun]) -> None:
        with self._lock:
            self._runs.update(runs)

    def remove(self, runs: Iterable[JobRun]) -> None:
        with self._lock:
            self._runs.difference_update(runs)

    def running(self) -> list[JobRun]:
        with self._lock:
            return list(self._runs)

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
        trouble = Trouble("job_heartbeat_failed", self._clock)
        pause = self._beat_seconds
        with patience(patience_within(self._lease)):
            while not stop.wait(pause):
                pause = self._beat_seconds
                try:
                    self.beat()
                    if self._every_beat is not None:
                        self._every_beat()
                    trouble.over()
                except Exception as error:  # noqa: BLE001 - the database may come back
                    pause = max(pause, trouble.met(error))

    def beat(self) -> None:
        """Hear who must stop, save progress and logs, extend leases that are a third used up."""
        runs = [run for run in self.running() if not run.is_fenced]
        if not runs:
            return
        for run in runs:
            run.check_time()
        self._hear(runs)
        due = self._clock.now() + self._lease * 2 / 3
        self._save([run for run in runs if not run.is_fenced], due=due)

    def renew(self, run: JobRun) -> None:
        """Extend one lease now, or fence the run if it was lost."""
        self._save([run], due=run.lease_until)

    def _hear(self, runs: list[JobRun]) -> None:
        with self._database.observing() as tx:
            signals = {
                signal.job_id: signal
                for signal in tx.attempts.list_signals([run.job_id for run in runs])
            }
        for run in runs:
            signal = signals.get(run.job_id)
            if signal is None or (signal.attempt, signal.state) != (run.attempt, JobState.RUNNING):
                run.fence()
            elif signal.cancel_requested:
                run.cancel()

    def _save(self, runs: list[JobRun], *, due: datetime) -> None:
        """Each in a transaction of its own, so that no two writers hold rows of several jobs.

        What the database refuses of one job, or somebody holds, keeps no other from its lease.
        """
        refused: Exception | None = None
        is_away = False
        for run in sorted(runs, key=lambda run: run.lease_until):
            progress = run.take_unsaved()
            lines = run.take_log()
            if progress is None and not lines and run.lease_until > due:
                continue
            try:
                self._write(run, progress, lines)
            except JobAttemptFencedError:
                run.fence()
            except Exception as error:
                if progress is not None:
                    run.put_back()
                run.put_back_log(lines)
                if is_away and isinstance(error, DatabaseUnreachableError):
                    raise
                is_away = is_away or isinstance(error, DatabaseUnreachableError)
                refused = error
        if refused is not None:
            raise refused

    def _write(self, run: JobRun, progress: Progress | None, lines: Sequence[JobLogLine]) -> None:
        now = self._clock.now()
        with self._database.operational() as tx:
            # The job's row before the attempt's, as everywhere: no deadlock.
            if progress is not None:
                tx.attempts.record_progress(
                    run.job_id,
                    run.attempt,
                    percent=progress.percent,
                    message=progress.message,
                    rate=progress.rate,
                    now=now,
                )
            # The heartbeat fences the lines too.
            tx.attempts.heartbeat(run.job_id, run.attempt, lease=self._lease, now=now)
            tx.job_logs.append(lines)
        run.extend(now + self._lease)
