"""The threads of one worker: each works off a batch of runs, one after the other."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.jobs.endings import after_cancel, after_stop, after_timeout
from munshi.jobs.records import Finished, Recorder
from munshi.jobs.roster import Roster
from munshi.jobs.run import JobRun
from munshi.jobs.runner import JobRunner
from munshi.logging_setup import log_job_id

# Then others get their turn of the thread.
BATCHES_IN_A_ROW = 50
_log = structlog.get_logger(__name__)


class Crew:
    """Threads are made as they are needed and kept; one that never returns is given up.

    `freed` is called whenever a thread has worked off its batch. With brief jobs it goes on by
    itself, without a hand-over: `next_brief` stores what ended well and gives it another batch.
    """

    def __init__(
        self,
        runner: JobRunner,
        recorder: Recorder,
        roster: Roster,
        *,
        registry: Mapping[str, JobSpec],
        clock: Clock,
        freed: Callable[[], None],
        next_brief: Callable[[], Sequence[JobRun]],
    ) -> None:
        self._runner = runner
        self._recorder = recorder
        self._roster = roster
        self._registry = registry
        self._clock = clock
        self._freed = freed
        self._next_brief = next_brief
        self._batches: queue.SimpleQueue[Sequence[JobRun] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._holding: dict[JobRun, threading.Thread] = {}
        self._busy = 0
        self._brief = 0
        self.abandoned = 0

    @property
    def busy(self) -> int:
        """Batches that were handed over and have not been worked off."""
        return self._busy

    @property
    def has_brief(self) -> bool:
        """Whether a thread works off brief jobs: a second one would only share its processor."""
        return self._brief > 0

    def hand(self, runs: Sequence[JobRun]) -> None:
        """Have `runs` worked off by one thread."""
        with self._lock:
            self._busy += 1
            self._brief += runs[0].is_brief
            if self._busy > len(self._threads):
                thread = threading.Thread(target=self._serve, name="job-runner", daemon=True)
                self._threads.add(thread)
                thread.start()
        self._batches.put(runs)

    def close(self) -> None:
        """Let the idle threads end; a busy one ends after its batch."""
        with self._lock:
            for _ in self._threads:
                self._batches.put(None)

    def give_up_the_deaf(self, *, after_seconds: float) -> None:
        """Fence thread runs that were told to stop that long ago, and end their jobs.

        One that lost its lease was told, too. One that has not begun will hear of it when it does.
        """
        for run in self._roster.runs():
            if self._roster.is_in_process(run) or not run.has_begun:
                continue
            if run.is_deaf(after_seconds=after_seconds):
                self._give_up(run)

    def hand_back(self, runs: Sequence[JobRun]) -> None:
        """Fence runs that this worker will not end, and leave their jobs to others."""
        for run in runs:
            run.fence()
        for run in runs:
            spec = self._registry.get(run.job.job_type)
            if not self._recorder.try_store(run, after_stop(spec, has_begun=run.has_begun)):
                break  # the database is away; their leases will run out
        self._roster.leave(runs)

    def _give_up(self, run: JobRun) -> None:
        now = self._clock.now()
        spec = self._registry.get(run.job.job_type)
        ending = after_cancel() if run.is_cancelled else after_timeout(spec, now=now)
        run.fence()
        with self._lock:
            thread = self._holding.get(run)
            if thread not in self._threads:
                return
            self._threads.discard(thread)
            self._busy -= 1
            self._brief -= run.is_brief
            self.abandoned += 1
        _log.error("job_thread_abandoned", job_id=str(run.job_id), abandoned=self.abandoned)
        self._recorder.try_store(run, ending)
        self.hand_back(self._roster.behind(run))
        self._roster.leave([run])
        self._freed()

    def _serve(self) -> None:
        me = threading.current_thread()
        while (batch := self._batches.get()) is not None:
            if not self._work_off(batch, me):
                return
            with self._lock:
                if me not in self._threads:
                    return
                self._busy -= 1
                self._brief -= batch[0].is_brief
            self._roster.rouse()
            self._freed()
        with self._lock:
            self._threads.discard(me)

    def _work_off(self, batch: Sequence[JobRun], me: threading.Thread) -> bool:
        """The batch, and those that follow it; false if the thread was given up meanwhile."""
        runs, turns = batch, 1
        while True:
            self._holding.update(dict.fromkeys(runs, me))
            self._work(runs)
            if me not in self._threads:
                return False
            if not batch[0].is_brief or turns == BATCHES_IN_A_ROW:
                return True
            runs = self._next_brief()
            if not runs:
                return True
            turns += 1

    def _work(self, runs: Sequence[JobRun]) -> None:
        """What ended well is left for the dispatcher at once: the next run may never return."""
        for run in runs:
            finished = None if run.is_fenced else self._work_one(run)
            self._holding.pop(run, None)
            if finished is None:
                self._roster.leave([run])
            else:
                self._roster.ended_well(finished)
        log_job_id.set(None)

    def _work_one(self, run: JobRun) -> Finished | None:
        log_job_id.set(run.job_id)
        run.begin()
        ending = self._runner.run(run)
        if ending is None or run.is_fenced:
            _log.warning("job_fenced", attempt=run.attempt)
            return None
        if finished := self._recorder.for_the_exchange(run, ending):
            return finished
        self._recorder.store(run, ending)
        return None
