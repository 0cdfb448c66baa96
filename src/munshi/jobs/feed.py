"""What happens to jobs, as it happens, for any number of readers: one thread looks for them all."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import structlog

from munshi.domain.jobs import Job, JobLogLine
from munshi.errors import DatabaseUnreachableError
from munshi.jobs.causes import cause
from munshi.jobs.watching import JobWatch, Place

POLL_SECONDS = 0.25
AFTER_FAILURE_SECONDS = 2.0
CAPACITY = 256
# The state, and the end, must find room behind the last line.
_SPARE = 2
_log = structlog.get_logger(__name__)


class EventKind(StrEnum):
    """end: nothing more will come, because the job has ended or was deleted."""

    STATE = "state"
    PROGRESS = "progress"
    LOG = "log"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """`place` is how far the log has been read with it; `job` is None once it was deleted."""

    kind: EventKind
    place: Place
    job: Job | None = None
    line: JobLogLine | None = None


class JobReader:
    """One reader's share of the feed. It holds so many events at most, and loses none.

    While it is full nothing more is read for it, and only the newest state is given afterwards.
    """

    def __init__(self, job_id: UUID, place: Place, *, wake: Callable[[], None]) -> None:
        self.job_id = job_id
        self._wake = wake
        self._waiting: deque[JobEvent] = deque()
        self._place = place
        self._shown: Job | None = None
        self._is_over = False

    @property
    def place(self) -> Place:
        """How far the log was given to it."""
        return self._place

    @property
    def is_over(self) -> bool:
        """Nothing will come after what `take` returns next."""
        return self._is_over

    def take(self) -> list[JobEvent]:
        """What has come since, in order; never waits. Look at `is_over` first."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    # --- the feed's side -----------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        return len(self._waiting) + _SPARE < CAPACITY

    def give(self, job: Job | None, lines: list[JobLogLine]) -> bool:
        """Take in as many `lines` as there is room for, and then the job; false if some are left.

        The lines come first, so that a state is never ahead of what the job said before it.
        """
        room = CAPACITY - _SPARE - len(self._waiting)
        before = len(self._waiting)
        for line in lines[:room]:
            self._place = line.attempt, line.line
            self._waiting.append(JobEvent(kind=EventKind.LOG, place=self._place, line=line))
        is_caught_up = len(lines) <= room
        if is_caught_up:
            self._show(job)
        if self._is_over or len(self._waiting) > before:
            self._wake()
        return is_caught_up

    def end(self) -> None:
        """Nothing more comes, although the job may go on."""
        self._is_over = True
        self._wake()

    def _show(self, job: Job | None) -> None:
        if job is not None and (kind := _change(self._shown, job)):
            self._waiting.append(JobEvent(kind=kind, place=self._place, job=job))
            self._shown = job
        if job is None or job.state.is_final:
            self._waiting.append(JobEvent(kind=EventKind.END, place=self._place, job=job))
            self._is_over = True


class JobFeed:
    """Its one thread runs while somebody reads; no reader holds a thread or a connection."""

    def __init__(self, watch: JobWatch) -> None:
        self._watch = watch
        self._changed = threading.Condition()
        self._readers: list[JobReader] = []
        self._thread: threading.Thread | None = None
        self._has_news = False
        self._is_ended = False

    def subscribe(self, job_id: UUID, *, after: Place, wake: Callable[[], None]) -> JobReader:
        """Read `job_id` from now on, its log beyond `after`.

        `wake` is called from another thread whenever there is something to take. Whoever
        subscribes unsubscribes.
        """
        reader = JobReader(job_id, after, wake=wake)
        with self._changed:
            if self._is_ended:
                reader.end()
                return reader
            self._readers.append(reader)
            self._has_news = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="job-feed", daemon=True)
                self._thread.start()
            self._changed.notify()
        return reader

    def unsubscribe(self, reader: JobReader) -> None:
        with self._changed:
            if reader in self._readers:
                self._readers.remove(reader)
                self._changed.notify()

    def end(self) -> None:
        """Every reader, and every later one, is told that nothing more comes; never waits."""
        with self._changed:
            self._is_ended = True
            readers, self._readers = self._readers, []
            self._changed.notify()
        for reader in readers:
            reader.end()

    def close(self) -> None:
        """`end`, and the thread is gone."""
        self.end()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        pause = 0.0
        while readers := self._wait(pause):
            try:
                pause = POLL_SECONDS if self._turn(readers) else 0.0
            except DatabaseUnreachableError as error:
                _log.info("job_feed_waits", cause=str(error))
                pause = AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001 - readers wait for whoever comes next
                _log.error("job_feed_failed", cause=cause(error))
                pause = AFTER_FAILURE_SECONDS

    def _wait(self, seconds: float) -> list[JobReader]:
        """Who reads, after `seconds` or as soon as somebody new does; nobody ends the thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_news or not self._readers, seconds)
            self._has_news = False
            if not self._readers:
                self._thread = None
            return list(self._readers)

    def _turn(self, readers: list[JobReader]) -> bool:
        """Look once for all who have room; false where more can be read at once."""
        asking = [reader for reader in readers if reader.has_room]
        places = {(reader.job_id, reader.place) for reader in asking}
        if not places:
            return True
        jobs, lines = self._watch.news(places, limit=CAPACITY)
        is_done = True
        for reader in asking:
            found = lines[reader.job_id, reader.place]
            if not reader.give(jobs.get(reader.job_id), found):
                is_done = is_done and not reader.has_room
            if reader.is_over:
                self.unsubscribe(reader)
        return is_done


def _change(shown: Job | None, job: Job) -> EventKind | None:
    """How `job` differs from what was shown last."""
    if shown is None or (shown.state, shown.attempt) != (job.state, job.attempt):
        return EventKind.STATE
    if (shown.progress_percent, shown.message) != (job.progress_percent, job.message):
        return EventKind.PROGRESS
    return None
