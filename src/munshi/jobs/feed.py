"""What happens to jobs, as it happens, for any number of readers: one thread looks for them all."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from munshi.domain.jobs import Job, JobLogLine
from munshi.infrastructure.feed import Feed
from munshi.jobs.watching import JobWatch, Place

POLL_SECONDS = 0.25
CAPACITY = 256
# The state, and the end, must find room behind the last line.
_SPARE = 2


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


class JobFeed(Feed[JobReader]):
    """Reads for its readers four times a second."""

    thread_name = "job-feed"
    after_failure_seconds = 2.0

    def __init__(self, watch: JobWatch) -> None:
        super().__init__()
        self._watch = watch

    def subscribe(self, job_id: UUID, *, after: Place, wake: Callable[[], None]) -> JobReader:
        """Read `job_id` from now on, its log beyond `after`.

        `wake` is called from another thread whenever there is something to take.
        """
        reader = JobReader(job_id, after, wake=wake)
        self._join(reader)
        return reader

    def _turn(self, readers: list[JobReader]) -> float:
        """Look once for all who have room, and again at once where more can be read."""
        asking = [reader for reader in readers if reader.has_room]
        places = {(reader.job_id, reader.place) for reader in asking}
        if not places:
            return POLL_SECONDS
        jobs, lines = self._watch.news(places, limit=CAPACITY)
        is_done = True
        for reader in asking:
            found = lines[reader.job_id, reader.place]
            if not reader.give(jobs.get(reader.job_id), found):
                is_done = is_done and not reader.has_room
            if reader.is_over:
                self.unsubscribe(reader)
        return POLL_SECONDS if is_done else 0.0


def _change(shown: Job | None, job: Job) -> EventKind | None:
    """How `job` differs from what was shown last."""
    if shown is None or (shown.state, shown.attempt) != (job.state, job.attempt):
        return EventKind.STATE
    if (shown.progress_percent, shown.message) != (job.progress_percent, job.message):
        return EventKind.PROGRESS
    return None
