"""What a handler is given: where to report progress, and how it learns that it must stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NoReturn, Protocol
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.jobs import Job
from munshi.jobs.stops import JobCancelled, JobFenced, JobPaused

MESSAGE_LENGTH = 1000


_running: ContextVar["JobRun | None"] = ContextVar("munshi_running_job", default=None)


@contextmanager
def being_run(run: "JobRun") -> Iterator[None]:
    """Make `run` known to long waits of this thread, such as those for a broker's permit."""
    token = _running.set(run)
    try:
        yield
    finally:
        _running.reset(token)


def running_job() -> "JobRun | None":
    """The job that this thread runs, if any."""
    return _running.get()


def running_job_must_stop() -> bool:
    """Whether the job that this thread runs, if any, was cancelled or lost its lease."""
    run = _running.get()
    return run is not None and run.should_stop()


class JobHandler(Protocol):
    """One job type's work. `services` is what it needs of the desk; the result becomes JSON.

    No transaction is open while it runs. It may raise anything: an AppError's detail, or the
    type and message of any other exception, is kept as the cause.
    """

    def __call__(self, services: Any, run: "JobRun", parameters: Any, /) -> dict[str, Any]: ...  # noqa: ANN401


class JobRun:
    """One attempt of a job. The handler's thread reports here; the worker's keeper saves it."""

    def __init__(
        self,
        job: Job,
        *,
        lease_until: datetime,
        renew: Callable[["JobRun"], None],
        clock: Clock,
    ) -> None:
        self.job = job
        self._clock = clock
        self._renew = renew
        self._lock = threading.Lock()
        self._lease_until = lease_until
        self._percent = 0.0
        self._message = ""
        self._is_unsaved = False
        self._is_cancelled = False
        self._is_fenced = False

    @property
    def job_id(self) -> UUID:
        return self.job.job_id

    @property
    def attempt(self) -> int:
        return self.job.attempt

    def progress(self, percent: float, message: str | None = None) -> None:
        """Report how far the job is; cheap, call it as often as you like.

        Raises JobCancelled or JobFenced when the job must stop.
        """
        self.check_cancelled()
        with self._lock:
            self._percent = _clamp(percent)
            if message is not None:
                self._message = message.replace("\0", "")[:MESSAGE_LENGTH]
            self._is_unsaved = True

    def check_cancelled(self) -> None:
        """Raises JobCancelled or JobFenced when the job must stop."""
        if self._clock.now() >= self.lease_until and not self._is_fenced:
            # A stopped process or a suspended laptop: ask before doing anything more.
            self._renew(self)
        if self._is_fenced:
            raise JobFenced
        if self._is_cancelled:
            raise JobCancelled

    def should_stop(self) -> bool:
        """The same question for waits that take a callable."""
        return self._is_fenced or self._is_cancelled

    def pause_for_login(self, service: Service, link: str) -> NoReturn:
        """End here; the job runs again from its start after the next login at `service`."""
        raise JobPaused(service, link)

    # --- the worker's side ---------------------------------------------------------------

    @property
    def lease_until(self) -> datetime:
        return self._lease_until

    def extend(self, lease_until: datetime) -> None:
        self._lease_until = lease_until

    def cancel(self) -> None:
        self._is_cancelled = True

    def fence(self) -> None:
        self._is_fenced = True

    @property
    def is_fenced(self) -> bool:
        return self._is_fenced

    def reported(self) -> tuple[float, str]:
        """The last progress, saved or not."""
        with self._lock:
            return self._percent, self._message

    def take_unsaved(self) -> tuple[float, str] | None:
        """The last progress if it has not been saved yet, now counted as saved."""
        with self._lock:
            if not self._is_unsaved:
                return None
            self._is_unsaved = False
            return self._percent, self._message

    def put_back(self) -> None:
        """Saving failed: the last progress is unsaved after all."""
        with self._lock:
            self._is_unsaved = True


def _clamp(percent: float) -> float:
    return min(100.0, max(0.0, float(percent))) if percent == percent else 0.0  # noqa: PLR0124
