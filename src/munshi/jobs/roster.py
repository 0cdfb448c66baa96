"""The runs that one worker has, and what has ended well but is not stored yet."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from munshi.jobs.keeper import LeaseKeeper
from munshi.jobs.records import Finished
from munshi.jobs.rooms import Room
from munshi.jobs.run import JobRun


class Roster:
    """Shared by the dispatcher and the crew. A run is on it until its end is stored."""

    def __init__(self, keeper: LeaseKeeper) -> None:
        self._keeper = keeper
        self._changed = threading.Condition()
        self._batches: dict[JobRun, Sequence[JobRun]] = {}
        self._in_processes: set[JobRun] = set()
        self._outbox: deque[Finished] = deque()

    def enter(self, batch: Sequence[JobRun], room: Room) -> None:
        """From now on these are kept alive; one thread runs them one after the other."""
        with self._changed:
            for run in batch:
                self._batches[run] = batch
            if room is Room.PROCESS:
                self._in_processes.update(batch)
        self._keeper.add(batch)

    def leave(self, runs: Sequence[JobRun]) -> None:
        """They are over, or another worker's."""
        if not runs:
            return
        self._keeper.remove(runs)
        with self._changed:
            for run in runs:
                self._batches.pop(run, None)
                self._in_processes.discard(run)
            self._changed.notify_all()

    def ended_well(self, done: Finished) -> None:
        """Hand it to whoever stores next."""
        self._outbox.append(done)

    def take_ended(self) -> list[Finished]:
        """What nobody else has taken; several threads may ask at once."""
        taken: list[Finished] = []
        with suppress(IndexError):
            for _ in range(len(self._outbox)):
                taken.append(self._outbox.popleft())  # noqa: PERF401 - what was taken is kept
        return taken

    def put_back(self, done: Sequence[Finished]) -> None:
        """Storing failed."""
        self._outbox.extendleft(reversed(done))

    def runs(self) -> list[JobRun]:
        with self._changed:
            return list(self._batches)

    def behind(self, run: JobRun) -> list[JobRun]:
        """What waits in the same thread for `run` to end."""
        with self._changed:
            return [other for other in self._batches.get(run, ()) if not other.has_begun]

    @property
    def has_ended(self) -> bool:
        return bool(self._outbox)

    @property
    def count(self) -> int:
        return len(self._batches)

    @property
    def in_processes(self) -> int:
        return len(self._in_processes)

    def is_in_process(self, run: JobRun) -> bool:
        return run in self._in_processes

    def rouse(self) -> None:
        """A thread has worked its runs off; what ended well may wait to be stored."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Until a run leaves or a thread is free, unless there is no run or one has ended."""
        with self._changed:
            if self._batches and not self._outbox:
                self._changed.wait(seconds)
