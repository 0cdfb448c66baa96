"""The child processes of one worker, in which CPU jobs run: reused, killed and replaced alone.

A pool of `concurrent.futures` would lose every job when one of its processes dies.
"""

import threading

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job
from munshi.errors import JobProcessDiedError
from munshi.jobs.child_job import (
    MEGABYTE,
    POLL_SECONDS,
    ChildJob,
    ChildNeverBeganError,
)
from munshi.jobs.child_messages import Message
from munshi.jobs.child_process import ChildProcess
from munshi.jobs.run import JobRun
from munshi.jobs.stops import JobCancelled, JobFenced

JOBS_PER_CHILD = 100
STARTS = 3


class ChildPool:
    """At most `size` children, started when a job first needs one.

    `context` names, as `module:function`, what gives handlers their services in a child: a
    context manager, entered once in each. Children do not outlive their worker, however it ends.
    """

    def __init__(
        self, *, size: int, context: str, clock: Clock, grace_seconds: float = 10.0
    ) -> None:
        self._size = size
        self._context = context
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._changed = threading.Condition()
        self._idle: list[ChildProcess] = []
        self._busy = 0
        self._is_closed = False

    def run(self, spec: JobSpec, job: Job, run: JobRun) -> object:
        """What the handler returned, as JSON gives it back, once it has ended in a child.

        Stops the handler when `run` says so or its time is up, and kills it after the grace.
        Raises JobStopped as the handler did, JobHandlerFailedError for anything else it raised,
        and JobMemoryExceededError, JobOutputExcessiveError or JobProcessDiedError.
        """
        for _ in range(STARTS):
            child = self._take(run)
            told = ChildJob(child, spec, run, clock=self._clock, grace_seconds=self._grace_seconds)
            try:
                ending = told.watch(job)
            except ChildNeverBeganError:
                self._give_back(child, is_fit=False)
                continue
            except BaseException:
                self._give_back(child, is_fit=False)
                raise
            self._give_back(child, is_fit=_is_fit(child, spec, ending))
            return told.conclude(ending)
        raise JobProcessDiedError(f"{STARTS} processes in a row did not come up to run the job.")

    def close(self) -> None:
        """End the idle children, and the others when their jobs end."""
        with self._changed:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for child in idle:
            child.ask_to_end()
        for child in idle:
            child.close()

    def _take(self, run: JobRun) -> ChildProcess:
        """An idle child or a new one, as soon as there may be one more."""
        with self._changed:
            while self._busy >= self._size:
                self._changed.wait(POLL_SECONDS)
                if run.should_stop():
                    raise JobFenced if run.is_fenced else JobCancelled
            self._busy += 1
            child = self._idle.pop() if self._idle else None
        try:
            if child is not None and child.exit_code is None:
                return child
            if child is not None:
                child.kill()
            return ChildProcess.start(self._context)
        except BaseException as error:
            self._set_free(None)
            if isinstance(error, OSError):
                raise JobProcessDiedError(
                    f"No process could be started to run the job: {error.strerror}."
                ) from error
            raise

    def _give_back(self, child: ChildProcess, *, is_fit: bool) -> None:
        child.end()
        if not is_fit:
            child.kill()
        self._set_free(child if is_fit else None)

    def _set_free(self, child: ChildProcess | None) -> None:
        with self._changed:
            self._busy -= 1
            if child is not None and not self._is_closed:
                self._idle.append(child)
                child = None
            self._changed.notify()
        if child is not None:
            child.close()


def _is_fit(child: ChildProcess, spec: JobSpec, ending: Message) -> bool:
    """Whether it may run another job: alive, not old, not large, and alone."""
    return (
        child.exit_code is None
        and child.jobs_run < JOBS_PER_CHILD
        and child.own_memory_bytes() <= spec.memory_mb * MEGABYTE // 2
        and not (ending["left_processes"] and child.has_company())
    )
