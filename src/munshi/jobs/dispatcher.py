"""One worker's dealings with the queue: stores what ended well, takes what there is room for."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job
from munshi.errors import ClockDriftError, DatabaseUnreachableError
from munshi.infrastructure.causes import cause, trace
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_exchange import Wanted, open_exchange
from munshi.infrastructure.wake import Wake
from munshi.jobs.crew import Crew
from munshi.jobs.queues import QueueBook
from munshi.jobs.records import Finished, Recorder
from munshi.jobs.rooms import Room, Rooms
from munshi.jobs.roster import Roster
from munshi.jobs.run import JobRun, RunDesk

SECONDS_BETWEEN_REFRESHES = 1.0
_log = structlog.get_logger(__name__)


class Dispatcher:
    """Used by the worker's thread; threads with brief jobs come for the next ones by themselves."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        book: QueueBook,
        rooms: Rooms,
        roster: Roster,
        crew: Crew,
        recorder: Recorder,
        desk: RunDesk,
        worker_id: str,
        lease: timedelta,
        batch: int,
        wake: Wake,
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._book = book
        self._rooms = rooms
        self._roster = roster
        self._crew = crew
        self._recorder = recorder
        self._desk = desk
        self._worker_id = worker_id
        self._lease = lease
        self._batch = batch
        self._closing = threading.Event()
        self._exchange = open_exchange(database, worker_id=worker_id, lease=lease, wake=wake)
        self._next_refresh = clock.monotonic()

    def look(self) -> None:
        """Read the limits again, queue what was scheduled for now, see whether anything is due."""
        monotonic = self._clock.monotonic()
        if monotonic >= self._next_refresh:
            self._book.refresh()
            self._rooms.refresh()
            self._next_refresh = monotonic + SECONDS_BETWEEN_REFRESHES
        now = self._clock.now()
        scheduled, queued = self._exchange.has_due(self._rooms.all_lanes(), now=now)
        if scheduled:
            with self._database.operational() as tx:
                tx.jobs.promote_due_jobs(now=now)
        if scheduled or queued:
            self._rooms.all_may_have_some()
        else:
            self._rooms.none_has_any()

    def news(self) -> None:
        """Somebody enqueued."""
        self._rooms.all_may_have_some()

    def is_due(self) -> bool:
        """Whether a job could be taken now."""
        return any(self._exchange.has_due(self._rooms.all_lanes(), now=self._clock.now()))

    def swap(self) -> int:
        """Store what ended well, take what there is room for; how many jobs were taken."""
        return len(self._swap(self._rooms.wanted(self._free())))

    def next_brief(self) -> list[JobRun]:
        """Store what ended well; another batch for the thread that asks, nothing if it is over.

        A database that is away is left to the worker's own thread.
        """
        lanes = self._rooms.lanes(Room.BRIEF)
        if self.is_closing() or not lanes or self._rooms.is_dry(Room.BRIEF):
            return []
        try:
            runs = self._swap([(Room.BRIEF, Wanted(lanes, self._batch))], hand_over=False)
        except Exception as error:  # noqa: BLE001 - what ended is still there to be stored
            _log.warning("job_batch_not_swapped", cause=cause(error))
            return []
        if self.is_closing():  # meanwhile, and perhaps the others have been handed back already
            self._crew.hand_back(runs)
            return []
        return runs

    def is_closing(self) -> bool:
        """Whether it has been told to stop claiming; another thread may say so at any time."""
        return self._closing.is_set()

    def stop_claiming(self) -> None:
        """From now on nobody is given another batch."""
        self._closing.set()

    def _swap(
        self, wanted: Sequence[tuple[Room, Wanted]], *, hand_over: bool = True
    ) -> list[JobRun]:
        done = self._roster.take_ended()
        if not done and not wanted:
            return []
        now, since = self._clock.now(), self._rooms.news
        try:
            swapped = self._exchange.swap(
                [one.success for one in done], [want for _, want in wanted], now=now
            )
        except BaseException:
            self._roster.put_back(done)
            raise
        if len(swapped.kept) < len(done):
            _log.warning("jobs_fenced", jobs=len(done) - len(swapped.kept))
        self._roster.leave([one.run for one in done])
        begun: list[JobRun] = []
        for (room, want), jobs in zip(wanted, swapped.claimed, strict=True):
            if len(jobs) < want.limit:
                self._rooms.note_dry(room, since=since)
            begun += self._begin(jobs, room, lease_until=now + self._lease, hand_over=hand_over)
        return begun

    def claim_limited(self) -> int:
        """Take from each queue with limits as much as it and this worker have places for."""
        taken = 0
        for queue in self._book.limited:
            taken += self._claim_from(queue, Room.THREAD, (Room.THREAD, Room.BRIEF))
            taken += self._claim_from(queue, Room.PROCESS, (Room.PROCESS,))
        return taken

    def store_ended(self) -> bool:
        """Store what ended well, without taking anything; one by one where together fails.

        False if the database is away.
        """
        done = self._roster.take_ended()
        if not done:
            return True
        try:
            self._exchange.swap([one.success for one in done], (), now=self._clock.now())
        except (DatabaseUnreachableError, ClockDriftError):
            self._roster.put_back(done)
            return False
        except Exception as error:  # noqa: BLE001 - the database refuses a value
            _log.error("job_endings_not_stored", cause=cause(error), trace=trace(error))
            self._store_singly(done)
        self._roster.leave([one.run for one in done])
        return True

    def wait(self, seconds: float) -> bool:
        """Until roused or told of a job, or the time is up; whether to look around again."""
        return self._exchange.wait(seconds, for_jobs=any(self._free().values()))

    def suspect_connections(self) -> None:
        """One has failed: rather than find out of each in turn, open all of them anew."""
        self._exchange.close()

    def close(self) -> None:
        self._exchange.close()

    def _store_singly(self, done: Sequence[Finished]) -> None:
        for one in done:
            self._recorder.store(one.run, one.ending)

    def _free(self) -> Mapping[Room, int]:
        in_processes = self._roster.in_processes
        return self._rooms.free(
            threads_busy=self._crew.busy - in_processes,
            processes_busy=in_processes,
            has_brief=self._crew.has_brief,
        )

    def _claim_from(self, queue: str, room: Room, rooms: Sequence[Room]) -> int:
        limits = self._book.limited[queue]
        most = self._free()[room]
        if not most or self._rooms.is_dry(room, queue):
            return 0
        now, since = self._clock.now(), self._rooms.news
        with self._database.transaction() as tx:
            jobs = tx.queues.claim_limited(
                queue,
                limits,
                job_types=self._rooms.types_in(rooms),
                worker_id=self._worker_id,
                limit=most,
                lease=self._lease,
                now=now,
            )
        if len(jobs) < most:
            self._rooms.note_dry(room, queue, since=since)
        runs = self._begin(jobs, room, lease_until=now + self._lease, is_limited=True)
        return len(runs)

    def _begin(
        self,
        jobs: Sequence[Job],
        room: Room,
        *,
        lease_until: datetime,
        is_limited: bool = False,
        hand_over: bool = True,
    ) -> list[JobRun]:
        if not jobs:
            return []
        is_brief = room is Room.BRIEF
        runs = [
            self._new_run(job, lease_until, is_limited=is_limited, is_brief=is_brief)
            for job in jobs
        ]
        for batch in [runs] if is_brief else [[run] for run in runs]:
            self._roster.enter(batch, room)
            if hand_over:
                self._crew.hand(batch)
        return runs

    def _new_run(
        self, job: Job, lease_until: datetime, *, is_limited: bool, is_brief: bool
    ) -> JobRun:
        spec = self._registry[job.job_type]
        alone = is_limited or job.parent_id or job.schedule_name or spec.stored_alone
        return JobRun(
            job,
            lease_until=lease_until,
            desk=self._desk,
            clock=self._clock,
            timeout_seconds=spec.timeout_seconds,
            is_plain=not alone,
            is_brief=is_brief,
        )
