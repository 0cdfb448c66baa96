"""Runs one claimed job: finds its handler, calls it and says how it ended, whatever happens."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import (
    AppError,
    JobHandlerFailedError,
    JobProcessDiedError,
    JobTypeUnknownError,
    RequestAbandonedError,
)
from munshi.infrastructure.causes import trace
from munshi.jobs.endings import (
    after_cancel,
    after_crash,
    after_error,
    after_fan_out,
    after_pause,
    after_success,
    after_timeout,
)
from munshi.jobs.entries import check_extra, checked_result, resolve
from munshi.jobs.fan_out import JobWaiting
from munshi.jobs.forks import without_forks
from munshi.jobs.output import output_kept
from munshi.jobs.requests import new_children
from munshi.jobs.run import JobRun, being_run
from munshi.jobs.stops import JobCancelled, JobPaused, JobStopped, JobTimedOut

_log = structlog.get_logger(__name__)


class ChildRunner(Protocol):
    """Runs a handler in a process of its own."""

    def run(self, spec: JobSpec, job: Job, run: JobRun, /) -> object: ...

    def close(self) -> None: ...


class JobRunner:
    """Knows the job types; the handlers' modules are imported when they are first needed."""

    def __init__(
        self,
        registry: Mapping[str, JobSpec],
        *,
        services: object,
        clock: Clock,
        check_queue: Callable[[str], None],
        processes: ChildRunner | None = None,
    ) -> None:
        self._registry = registry
        self._services = services
        self._clock = clock
        self._check_queue = check_queue
        self._processes = processes

    def run(self, run: JobRun) -> JobEnding | None:
        """How the attempt ended; None when it was fenced and may say nothing more."""
        try:
            return self._run(run)
        except BaseException as error:  # noqa: BLE001 - an error may fail even at being looked at
            told = f"It ended with {type(error).__name__} while its end was told."
            _log.error("job_end_untold", job_id=str(run.job_id), trace=trace(error))
            return JobEnding(state=JobState.FAILED, outcome=AttemptOutcome.ERROR, error=told)

    def _run(self, run: JobRun) -> JobEnding | None:
        job = run.job
        spec = self._registry.get(job.job_type)
        try:
            return after_success(self._call(spec, run), run.reported().message)
        except JobStopped as stop:
            return self._stopped(stop, spec, job)
        except BaseException as error:  # noqa: BLE001 - SystemExit must not end the worker
            return self._after(error, spec, run)

    def _call(self, spec: JobSpec | None, run: JobRun) -> Mapping[str, object]:
        job = run.job
        if spec is None:
            raise JobTypeUnknownError(f"This worker knows no job type {job.job_type!r}.")
        run.check_cancelled()
        entry, needs = spec.entry_for(job.parameters)
        if spec.runs_in == "process" and self._processes is not None:
            check_extra(needs)
            return checked_result(self._processes.run(spec, job, run))
        parameters = spec.params.from_json(job.parameters)
        handler = resolve(entry, needs=needs)
        with being_run(run), output_kept(run.print_line), without_forks():
            return checked_result(handler(self._services, run, parameters))

    def _stopped(self, stop: JobStopped, spec: JobSpec | None, job: Job) -> JobEnding | None:
        match stop:
            case JobCancelled():
                return after_cancel()
            case JobTimedOut():
                return after_timeout(spec, now=self._clock.now())
            case JobPaused():
                return after_pause(stop)
            case JobWaiting():
                return self._fanned_out(job, stop)
            case _:
                return None

    def _fanned_out(self, job: Job, waiting: JobWaiting) -> JobEnding:
        try:
            children = new_children(
                job,
                waiting.children,
                registry=self._registry,
                check_queue=self._check_queue,
                now=self._clock.now(),
            )
        except Exception as error:  # noqa: BLE001 - a handler may have asked for anything
            return self._failed(job, error)
        return after_fan_out(children)

    def _after(self, error: BaseException, spec: JobSpec | None, run: JobRun) -> JobEnding | None:
        if isinstance(error, RequestAbandonedError) and run.should_stop():
            # A wait for a broker's permit that was given up because the job must stop.
            if run.is_fenced:
                return None
            now = self._clock.now()
            return after_cancel() if run.is_cancelled else after_timeout(spec, now=now)
        if isinstance(error, JobProcessDiedError):
            return after_crash(run.job, spec, error.detail, now=self._clock.now())
        return self._failed(run.job, error)

    def _failed(self, job: Job, error: BaseException) -> JobEnding:
        ending = after_error(error, now=self._clock.now())
        _log.warning(
            "job_failed",
            job_id=str(job.job_id),
            job_type=job.job_type,
            attempt=job.attempt,
            cause=ending.error,
            trace=_where(error),
        )
        return ending


def _where(error: BaseException) -> Sequence[str] | None:
    """Where it happened, if nobody foresaw it."""
    if isinstance(error, JobHandlerFailedError):
        return error.trace or None
    return None if isinstance(error, AppError) else trace(error)
