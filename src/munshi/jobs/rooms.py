"""What a worker has room for: threads, processes, and batches of brief jobs for one thread."""

import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum

from munshi.domain.job_specs import JobSpec
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.job_exchange import Wanted
from munshi.jobs.queues import QueueBook


class Room(StrEnum):
    """Where a job runs: in a thread of its own, a process, or after others in one thread."""

    THREAD = "thread"
    PROCESS = "process"
    BRIEF = "brief"


def room_of(spec: JobSpec) -> Room:
    if spec.runs_in == "process":
        return Room.PROCESS
    return Room.BRIEF if spec.brief and not spec.stored_alone else Room.THREAD


class Rooms:
    """Kept by the dispatcher; threads with brief jobs claim beside the worker's own.

    A room in which a claim found less than it had asked for is dry: it is not asked for again
    before there is news. The same holds for a room in a queue with limits. A claim that began
    before the newest news may have looked before those jobs were there, and dries nothing.
    """

    def __init__(
        self,
        registry: Mapping[str, JobSpec],
        book: QueueBook,
        *,
        threads: int,
        processes: int,
        batch: int,
    ) -> None:
        self._registry = registry
        self._book = book
        self._threads = threads
        self._processes = processes
        self._batch = batch
        self._dry: set[tuple[Room, str]] = set()
        self._lanes: dict[Room, tuple[Lane, ...]] = dict.fromkeys(Room, ())
        self._all_lanes: tuple[Lane, ...] = ()
        self._brief_was_last = False
        self._lock = threading.Lock()
        self._news = 0

    @property
    def news(self) -> int:
        """How often there was any; to be asked for before a claim."""
        return self._news

    def refresh(self) -> None:
        """Sort the lanes anew; limited queues are asked for by themselves."""
        lanes = [
            (room_of(self._registry[lane.job_type]), lane)
            for lane in self._book.lanes()
            if self._processes or self._registry[lane.job_type].runs_in != "process"
        ]
        limited = self._book.limited
        self._all_lanes = tuple(lane for _, lane in lanes)
        self._lanes = {
            room: tuple(lane for at, lane in lanes if at is room and lane.queue not in limited)
            for room in Room
        }

    def all_lanes(self) -> tuple[Lane, ...]:
        """Every lane that this worker takes from, limited ones too."""
        return self._all_lanes

    def lanes(self, room: Room) -> tuple[Lane, ...]:
        """Those of `room` in queues without limits."""
        return self._lanes[room]

    def types_in(self, rooms: Sequence[Room]) -> list[str]:
        return [name for name, spec in self._registry.items() if room_of(spec) in rooms]

    def all_may_have_some(self) -> None:
        with self._lock:
            self._news += 1
            self._dry.clear()

    def none_has_any(self) -> None:
        self._dry.update((room, "") for room in Room)

    def note_dry(self, room: Room, queue: str = "", *, since: int) -> None:
        """`queue` for one with limits; `since` is the `news` from before the claim."""
        with self._lock:
            if since == self._news:
                self._dry.add((room, queue))

    def is_dry(self, room: Room, queue: str = "") -> bool:
        return (room, queue) in self._dry

    def free(self, *, threads_busy: int, processes_busy: int, has_brief: bool) -> dict[Room, int]:
        """How many jobs each room would take now."""
        threads = max(0, self._threads - threads_busy)
        return {
            Room.BRIEF: self._batch if threads and not has_brief else 0,
            Room.THREAD: threads,
            Room.PROCESS: max(0, self._processes - processes_busy),
        }

    def wanted(self, free: Mapping[Room, int]) -> list[tuple[Room, Wanted]]:
        """What to claim now, where each room has so many places free."""
        asked = {
            room: most
            for room, most in free.items()
            if most > 0 and self._lanes[room] and not self.is_dry(room)
        }
        if Room.BRIEF in asked and Room.THREAD in asked:
            # A batch takes one of the threads; the last one goes to each in turn.
            asked[Room.THREAD] -= 1
            if not asked[Room.THREAD]:
                self._brief_was_last = not self._brief_was_last
                del asked[Room.THREAD if self._brief_was_last else Room.BRIEF]
                asked.update({room: 1 for room in asked if room is Room.THREAD})
        return [(room, Wanted(self._lanes[room], most)) for room, most in asked.items()]
