"""One worker of a process: takes jobs, has threads and processes run them, records the ends.

Its start is the recovery. What ended well is stored and what is due is taken in one transaction,
by the batch (`Dispatcher`); threads run it (`Crew`); leases, progress and logs are written beside
them (`LeaseKeeper`).
"""

import os
import platform
import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog

from munshi.clock import Clock, SystemClock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job, JobArtifact, WorkerStatus
from munshi.errors import (
    ClockDriftError,
    DatabaseUnreachableError,
    JobArtifactInvalidError,
    JobAttemptFencedError,
)
from munshi.infrastructure.causes import cause
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_connection import patience, patience_within
from munshi.infrastructure.wake import Wake
from munshi.jobs.artifacts import ArtifactStore
from munshi.jobs.crew import Crew
from munshi.jobs.dispatcher import Dispatcher
from munshi.jobs.keeper import LeaseKeeper
from munshi.jobs.queues import QueueBook
from munshi.jobs.records import Recorder
from munshi.jobs.recovery import RecoveryTurns, hold_unclaimable, recover
from munshi.jobs.rooms import Rooms
from munshi.jobs.roster import Roster
from munshi.jobs.run import JobRun
from munshi.jobs.runner import ChildRunner, JobRunner
from munshi.jobs.signs import LifeSigns
from munshi.jobs.stops import JobFenced
from munshi.jobs.troubles import Trouble

GRACE_SECONDS = 10.0
DEAF_SECONDS = 10.0
MOST_ABANDONED = 4
BATCH = 10
SECONDS_BETWEEN_SWEEPS = 60.0
STUBBORN_FAILURES = 3
# What cannot be heard of has to be looked for more often.
POLL_SECONDS = {"postgresql": 1.0}
OTHERS_POLL_SECONDS = 0.1
SECONDS_BETWEEN_LAST_LOOKS = 0.1
_log = structlog.get_logger(__name__)
_random = random.Random()  # noqa: S311 - jitter
# Whoever stops a worker waits by the clock on the wall, however the desk's is set.
_patience = SystemClock()


class Worker:
    """`services` is what handlers are given.

    `wake` is set by whoever enqueues in this process; other processes' jobs are heard of or
    found by asking. `run` works until told to stop, `start` and `stop` do so in a thread of
    their own. `batch` is how many brief jobs one claim takes; `processes` run the jobs of types
    that want one, which are not taken where there are none. `given_up` is called when the worker
    ends because it `is_exhausted`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        services: object,
        wake: Wake | None = None,
        threads: int = 4,
        batch: int = BATCH,
        processes: int = 0,
        children: ChildRunner | None = None,
        artifacts: ArtifactStore | None = None,
        lease_seconds: float = 30.0,
        poll_seconds: float | None = None,
        deaf_seconds: float = DEAF_SECONDS,
        given_up: Callable[[], object] | None = None,
    ) -> None:
        self.worker_id = f"{platform.node()[:50]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._database = database
        self._clock = clock
        self._registry = registry
        self._wake = wake or Wake()
        self._artifacts = artifacts
        self._children = children
        self._deaf_seconds = deaf_seconds
        self._given_up = given_up
        self._poll_seconds = poll_seconds or POLL_SECONDS.get(database.dialect, OTHERS_POLL_SECONDS)
        lease = timedelta(seconds=lease_seconds)
        self._lease = lease
        self._keeper = LeaseKeeper(database, clock, lease=lease, every_beat=self._hear_the_deaf)
        self._roster = Roster(self._keeper)
        recorder = Recorder(
            database,
            clock,
            registry=registry,
            rouse=self._wake.set,
            answer_seconds=patience_within(lease),
        )
        self._book = book = QueueBook(database, registry)
        self._crew = Crew(
            JobRunner(
                registry,
                services=services,
                clock=clock,
                check_queue=book.check,
                processes=children,
            ),
            recorder,
            self._roster,
            registry=registry,
            clock=clock,
            freed=self._wake.nudge,
            next_brief=self._next_brief,
        )
        rooms = Rooms(
            registry, book, threads=threads, processes=processes if children else 0, batch=batch
        )
        self._dispatcher = Dispatcher(
            database,
            clock,
            registry=registry,
            book=book,
            rooms=rooms,
            roster=self._roster,
            crew=self._crew,
            recorder=recorder,
            desk=self,
            worker_id=self.worker_id,
            lease=lease,
            batch=batch,
            wake=self._wake,
        )
        self._signs = LifeSigns(database, clock, worker_id=self.worker_id, threads=threads)
        self._stop = threading.Event()
        self._grace = GRACE_SECONDS
        self._patience = patience_within(lease)
        self._trouble = Trouble("worker_turn_failed", clock)
        self._recovery = RecoveryTurns(clock, lease=lease)
        self._next_look = self._next_sweep = clock.monotonic()
        self._thread: threading.Thread | None = None

    @property
    def is_exhausted(self) -> bool:
        """Whether so many threads ignored that they were told to stop that it gives up."""
        return self._crew.abandoned >= MOST_ABANDONED

    @property
    def is_in_trouble(self) -> bool:
        """Whether its last look at the database failed."""
        return self._trouble.times > 0

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
        """Work until `stop` is set, then drain. Outlives a database that is away.

        Ends by itself when it `is_exhausted`: its process should be replaced.
        """
        self._recovery = RecoveryTurns(self._clock, lease=self._lease)
        with patience(self._patience), self._keeper.beating():
            look = True
            while not stop.is_set() and not self.is_exhausted:
                try:
                    is_idle = self._turn(look=look) == 0
                    pause = self._poll_seconds * _random.uniform(0.75, 1.25)
                    look = is_idle and self._dispatcher.wait(pause)
                except Exception as error:  # noqa: BLE001 - the database may come back
                    self._after_failure(error, stop)
                    look = True
            if self.is_exhausted:
                _log.error("worker_exhausted", abandoned=self._crew.abandoned)
            self._drain(self._grace if grace is None else grace)
        if self.is_exhausted and self._given_up is not None:
            self._given_up()

    def run_until_idle(self) -> int:
        """Work until nothing is due and nothing runs; how many jobs were run."""
        ran = 0
        with patience(self._patience), self._keeper.beating():
            try:
                self.recover()
                while True:
                    taken = self._turn(look=True)
                    ran += taken
                    self._roster.wait(self._poll_seconds)
                    if not taken and not self._roster.count and not self._dispatcher.is_due():
                        return ran
            finally:
                self._drain(0)

    def recover(self) -> list[Job]:
        """Take back jobs whose worker fell silent; now and then hold those nobody can run."""
        recovered = recover(self._database, self._clock, self._registry)
        if self._clock.monotonic() >= self._next_sweep:
            self._next_sweep = self._clock.monotonic() + SECONDS_BETWEEN_SWEEPS
            recovered += hold_unclaimable(self._database, self._clock, self._book.read_lanes())
        return recovered

    def _turn(self, *, look: bool) -> int:
        """Store what ended, take what is due; how many jobs were taken."""
        now = self._clock.monotonic()
        if self._wake.take():
            self._dispatcher.news()
        if self._recovery.is_due():
            if self.recover():
                self._dispatcher.news()
            self._recovery.done()
        if look or now >= self._next_look:
            self._next_look = now + self._poll_seconds
            self._dispatcher.look()
            self._signs.show_now_and_then(
                WorkerStatus.WORKING, running=self._roster.count, abandoned=self._crew.abandoned
            )
        taken = self._dispatcher.swap() + self._dispatcher.claim_limited()
        self._trouble.over()
        return taken

    def _after_failure(self, error: Exception, stop: threading.Event) -> None:
        pause = self._trouble.met(error)
        if isinstance(error, DatabaseUnreachableError):
            self._recovery.let_others_renew()
            self._dispatcher.suspect_connections()
        elif self._trouble.times >= STUBBORN_FAILURES:
            # The database is there but does not take these ends together.
            self._dispatcher.store_ended()
        stop.wait(pause)

    def _next_brief(self) -> Sequence[JobRun]:
        return self._dispatcher.next_brief()

    def _hear_the_deaf(self) -> None:
        self._crew.give_up_the_deaf(after_seconds=self._deaf_seconds)

    def _drain(self, grace: float) -> None:
        """Wait for what runs, store what ended, hand back the rest."""
        self._dispatcher.stop_claiming()
        until = _patience.monotonic() + grace
        is_stored = self._dispatcher.store_ended()
        while self._roster.count and (left := until - _patience.monotonic()) > 0:
            pause = min(left, SECONDS_BETWEEN_LAST_LOOKS)
            if is_stored:
                self._roster.wait(pause)
            else:
                threading.Event().wait(pause)
            is_stored = self._dispatcher.store_ended()
        self._crew.hand_back(self._roster.runs())
        self._crew.close()
        if self._children is not None:
            self._children.close()
        self._dispatcher.close()
        try:
            self._signs.leave()
        except DatabaseUnreachableError as error:
            _log.warning("worker_left_in_silence", cause=cause(error))

    # --- what attempts ask for ---------------------------------------------------------------

    def renew(self, run: JobRun) -> None:
        """Until the database says that the lease is extended, or lost."""
        trouble = Trouble("job_lease_not_renewed", self._clock)
        with patience(self._patience):
            while not run.should_stop():
                try:
                    self._keeper.renew(run)
                except (DatabaseUnreachableError, ClockDriftError) as error:
                    threading.Event().wait(trouble.met(error))
                    run.check_time()
                else:
                    trouble.over()
                    return

    def children(self, job_id: UUID) -> list[Job]:
        with self._database.reading() as tx:
            return tx.jobs.list_children(job_id)

    def keep_artifact(
        self, run: JobRun, name: str, data: bytes | Path, media_type: str
    ) -> JobArtifact:
        if self._artifacts is None:
            raise JobArtifactInvalidError("This worker has nowhere to keep files.")
        try:
            return self._artifacts.keep(run, name, data, media_type)
        except JobAttemptFencedError:
            run.fence()
            raise JobFenced from None
