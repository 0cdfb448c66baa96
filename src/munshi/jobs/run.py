"""What a handler is given: where to report progress, and how it learns that it must stop."""

import threading
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, Protocol
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.jobs import Job, JobArtifact, JobLogLine, LogLevel
from munshi.jobs.fan_out import JobWaiting, NewChild
from munshi.jobs.job_log import JobLog
from munshi.jobs.progress import Progress, ProgressMeter
from munshi.jobs.stops import JobCancelled, JobFenced, JobPaused, JobTimedOut

_running: ContextVar["JobRun | None"] = ContextVar("munshi_running_job", default=None)


class being_run:  # noqa: N801 - it is used like a function, once for every job: no generator
    """Make `run` known to long waits of this thread, such as those for a broker's permit."""

    __slots__ = ("_run", "_token")

    def __init__(self, run: "JobRun") -> None:
        self._run = run

    def __enter__(self) -> None:
        self._token = _running.set(self._run)

    def __exit__(self, *_: object) -> None:
        _running.reset(self._token)


def running_job() -> "JobRun | None":
    """The job that this thread runs, if any."""
    return _running.get()


def running_job_must_stop() -> bool:
    """Whether the job that this thread runs, if any, was told to stop or lost its lease."""
    run = _running.get()
    return run is not None and run.should_stop()


class JobHandler(Protocol):
    """One job type's work. `services` is what it needs of the desk; the result becomes JSON.

    No transaction is open while it runs. It may raise anything: an AppError's detail, or the
    type and message of any other exception, is kept as the cause.
    """

    def __call__(self, services: Any, run: "JobRun", parameters: Any, /) -> dict[str, Any]: ...  # noqa: ANN401


class RunDesk(Protocol):
    """What an attempt asks of its worker."""

    def renew(self, run: "JobRun", /) -> None: ...

    def children(self, job_id: UUID, /) -> list[Job]: ...

    def keep_artifact(
        self, run: "JobRun", name: str, data: bytes | Path, media_type: str, /
    ) -> JobArtifact: ...


class JobRun:
    """One attempt of a job. The handler's thread reports here; the worker's keeper saves it.

    The end of a plain one concerns nothing but the job: no parent, schedule or limited place.
    Brief ones share a thread.
    """

    def __init__(
        self,
        job: Job,
        *,
        lease_until: datetime,
        desk: RunDesk,
        clock: Clock,
        timeout_seconds: float | None = None,
        is_plain: bool = False,
        is_brief: bool = False,
    ) -> None:
        self.job = job
        self.is_plain = is_plain
        self.is_brief = is_brief
        self.has_begun = False
        self._clock = clock
        self._desk = desk
        self._lock = threading.Lock()
        self._lease_until = lease_until
        self._meter = ProgressMeter()
        self._log: JobLog | None = None
        self._timeout_seconds = timeout_seconds
        self._deadline: float | None = None
        self._told_at: float | None = None
        self._is_cancelled = False
        self._is_timed_out = False
        self._is_fenced = False

    @property
    def job_id(self) -> UUID:
        return self.job.job_id

    @property
    def attempt(self) -> int:
        return self.job.attempt

    def progress(self, percent: float, message: str | None = None) -> None:
        """Report how far the job is; cheap, call it as often as you like.

        Raises JobCancelled, JobTimedOut or JobFenced when the job must stop.
        """
        self.check_cancelled()
        with self._lock:
            self._meter.report(percent, message, at=self._clock.monotonic())

    def log(self, event: str, *, level: LogLevel = LogLevel.INFO, **fields: object) -> None:
        """Keep a line with the job; a capped number of them is. Cheap, and never fails."""
        with self._lock:
            if self._log is None:
                self._log = JobLog(self.job, self._clock)
            self._log.add(event, level, fields)

    def print_line(self, line: str) -> None:
        """What the handler printed goes into the log, too."""
        self.log(line, level=LogLevel.OUTPUT)

    def check_cancelled(self) -> None:
        """Raises JobCancelled, JobTimedOut or JobFenced when the job must stop."""
        if self._clock.now() >= self._lease_until and not self._is_fenced:
            # A stopped process or a suspended laptop: ask before doing anything more.
            self._desk.renew(self)
        self.check_time()
        if self._is_fenced:
            raise JobFenced
        if self._is_cancelled:
            raise JobCancelled
        if self._is_timed_out:
            raise JobTimedOut

    def should_stop(self) -> bool:
        """The same question for waits that take a callable."""
        return self._is_fenced or self._is_cancelled or self._is_timed_out

    def pause_for_login(self, service: Service, link: str) -> NoReturn:
        """End here; the job runs again from its start after the next login at `service`."""
        raise JobPaused(service, link)

    def children(self) -> list[Job]:
        """The parts that an earlier attempt fanned out into, in order; all have ended."""
        return self._desk.children(self.job_id)

    def fan_out(self, children: Sequence[NewChild]) -> NoReturn:
        """End here and wait for `children`; the handler runs again when all have ended.

        They are stored together with this end, or not at all.
        """
        raise JobWaiting(children)

    def add_artifact(
        self, name: str, data: bytes | Path, media_type: str = "application/octet-stream"
    ) -> JobArtifact:
        """Keep a file with the job, in place of an earlier one of that name.

        Raises JobArtifactInvalidError for a name that is none, JobFenced after a lost lease.
        """
        self.check_cancelled()
        return self._desk.keep_artifact(self, name, data, media_type)

    # --- the worker's side ---------------------------------------------------------------

    def begin(self) -> None:
        """A thread has come to it; its time runs from now on."""
        if self._timeout_seconds is not None:
            self._deadline = self._clock.monotonic() + self._timeout_seconds
        self.has_begun = True

    @property
    def lease_until(self) -> datetime:
        return self._lease_until

    def extend(self, lease_until: datetime) -> None:
        self._lease_until = lease_until

    def cancel(self) -> None:
        self._is_cancelled = True
        if self._told_at is None:
            self._told_at = self._clock.monotonic()

    def fence(self) -> None:
        self._is_fenced = True
        if self._told_at is None:
            self._told_at = self._clock.monotonic()

    def check_time(self) -> None:
        """Tell the handler to stop if its time is up."""
        if self._deadline is None or self._is_timed_out:
            return
        now = self._clock.monotonic()
        if now >= self._deadline:
            self._is_timed_out = True
            self._told_at = now if self._told_at is None else self._told_at

    def is_deaf(self, *, after_seconds: float) -> bool:
        """Whether it goes on although it was told to stop that long ago."""
        if self._told_at is None:
            return False
        return self._clock.monotonic() - self._told_at >= after_seconds

    @property
    def is_fenced(self) -> bool:
        return self._is_fenced

    @property
    def is_cancelled(self) -> bool:
        return self._is_cancelled

    def reported(self) -> Progress:
        """The last progress, saved or not."""
        with self._lock:
            return self._meter.last

    def take_unsaved(self) -> Progress | None:
        """The last progress if it has not been saved yet, now counted as saved."""
        with self._lock:
            return self._meter.take()

    def put_back(self) -> None:
        """Saving failed: the last progress is unsaved after all."""
        with self._lock:
            self._meter.put_back()

    def take_log(self) -> list[JobLogLine]:
        """Lines that have not been saved yet, now counted as saved."""
        if self._log is None:
            return []
        with self._lock:
            return self._log.take()

    def put_back_log(self, lines: Sequence[JobLogLine]) -> None:
        if self._log is not None:
            with self._lock:
                self._log.put_back(lines)

    @property
    def has_unsaved_log(self) -> bool:
        return self._log is not None and self._log.has_unsaved
