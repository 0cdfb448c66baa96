"""Runs one claimed job: finds its handler, calls it and says how it ended, whatever happens."""

import importlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Protocol, cast

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job, JobEnding
from munshi.errors import (
    AppError,
    JobExtraMissingError,
    JobProcessDiedError,
    JobResultInvalidError,
    JobTypeUnknownError,
    RequestAbandonedError,
)
from munshi.jobs.causes import trace
from munshi.jobs.endings import (
    after_cancel,
    after_crash,
    after_error,
    after_fan_out,
    after_pause,
    after_success,
    after_timeout,
)
from munshi.jobs.fan_out import JobWaiting
from munshi.jobs.requests import new_children
from munshi.jobs.run import JobHandler, JobRun, being_run
from munshi.jobs.stops import JobCancelled, JobPaused, JobStopped, JobTimedOut

RESULT_BYTES = 1_000_000
_log = structlog.get_logger(__name__)


class ChildRunner(Protocol):
    """Runs a handler in a process of its own."""

    def run(self, spec: JobSpec, job: Job, run: JobRun, /) -> object: ...


class JobRunner:
    """Knows the job types; the handlers' modules are imported when they are first needed."""

    def __init__(
        self,
        registry: Mapping[str, JobSpec],
        *,
        services: object,
        clock: Clock,
        processes: ChildRunner | None = None,
    ) -> None:
        self._registry = registry
        self._services = services
        self._clock = clock
        self._processes = processes

    def run(self, run: JobRun) -> JobEnding | None:
        """How the attempt ended; None when it was fenced and may say nothing more."""
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
        if spec.runs_in == "process" and self._processes is not None:
            return checked_result(self._processes.run(spec, job, run))
        parameters = spec.params.from_json(job.parameters)
        handler = resolve(spec.entry, needs=spec.needs)
        with being_run(run):
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
                job, waiting.children, registry=self._registry, now=self._clock.now()
            )
        except AppError as error:
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
        unforeseen = not isinstance(error, AppError)
        _log.warning(
            "job_failed",
            job_id=str(job.job_id),
            job_type=job.job_type,
            attempt=job.attempt,
            cause=ending.error,
            trace=trace(error) if unforeseen else None,
        )
        return ending


@lru_cache
def resolve(entry: str, *, needs: str | None = None) -> JobHandler:
    """The handler that `module:function` names.

    Raises JobTypeUnknownError when there is none, JobExtraMissingError when the library `needs`
    is not installed; what the module's own imports raise passes.
    """
    if needs is not None and find_spec(needs) is None:
        raise JobExtraMissingError(
            f"This job needs {needs}, which is not installed.",
            hint="Run: pip install 'munshi[research]'",
        )
    module_name, _, function = entry.partition(":")
    module = importlib.import_module(module_name)
    handler = getattr(module, function, None)
    if not callable(handler):
        raise JobTypeUnknownError(f"The handler {entry} does not exist.")
    return cast("JobHandler", handler)


def checked_result(result: Any) -> Mapping[str, object]:  # noqa: ANN401
    """`result` as JSON gives it back.

    Raises JobResultInvalidError when it is not a JSON object or larger than `RESULT_BYTES`.
    """
    if not isinstance(result, Mapping):
        raise JobResultInvalidError(
            f"The handler returned {type(result).__name__}, not a JSON object."
        )
    if not result:
        return {}
    try:
        text = json.dumps(dict(result), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise JobResultInvalidError(f"The handler's result is not JSON: {error}") from error
    if size > RESULT_BYTES:
        raise JobResultInvalidError(
            f"The handler's result takes {size:,} bytes; the most is {RESULT_BYTES:,}.",
            hint="Keep large outputs with run.add_artifact and return their names.",
        )
    if "\\u0000" in text:
        raise JobResultInvalidError("The handler's result holds a NUL character.")
    return cast("Mapping[str, object]", json.loads(text))
