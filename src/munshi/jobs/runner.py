"""Runs one claimed job: finds its handler, calls it and says how it ended, whatever happens."""

import importlib
import json
from collections.abc import Mapping
from typing import Any, cast

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import (
    AppError,
    JobResultInvalidError,
    JobTypeUnknownError,
    RequestAbandonedError,
)
from munshi.jobs.causes import trace
from munshi.jobs.endings import after_error, after_success
from munshi.jobs.run import (
    JobCancelled,
    JobFenced,
    JobHandler,
    JobPaused,
    JobRun,
    being_run,
)

RESULT_BYTES = 1_000_000
_log = structlog.get_logger(__name__)


class JobRunner:
    """Knows the job types; the handlers' modules are imported when they are first needed."""

    def __init__(self, registry: Mapping[str, JobSpec], *, services: object, clock: Clock) -> None:
        self._registry = registry
        self._services = services
        self._clock = clock

    def run(self, job: Job, run: JobRun) -> JobEnding | None:
        """How the attempt ended; None when it was fenced and may say nothing more."""
        try:
            return after_success(self._call(job, run), run.reported()[1])
        except JobFenced:
            return None
        except JobCancelled:
            return _cancelled()
        except JobPaused as pause:
            return _paused(pause)
        except BaseException as error:  # noqa: BLE001 - SystemExit must not end the worker
            if isinstance(error, RequestAbandonedError) and run.should_stop():
                return None if run.is_fenced else _cancelled()
            return self._failed(job, error)

    def _call(self, job: Job, run: JobRun) -> Mapping[str, object]:
        spec = self._registry.get(job.job_type)
        if spec is None:
            raise JobTypeUnknownError(f"This worker knows no job type {job.job_type!r}.")
        parameters = spec.params.from_json(job.parameters)
        handler = resolve(spec.entry)
        run.check_cancelled()
        with being_run(run):
            return checked_result(handler(self._services, run, parameters))

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


def resolve(entry: str) -> JobHandler:
    """The handler that `module:function` names.

    Raises JobTypeUnknownError when there is none; what the module's own imports raise passes.
    """
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
    try:
        text = json.dumps(dict(result), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise JobResultInvalidError(f"The handler's result is not JSON: {error}") from error
    if size > RESULT_BYTES:
        raise JobResultInvalidError(
            f"The handler's result takes {size:,} bytes; the most is {RESULT_BYTES:,}.",
            hint="Write large outputs to a file and return its name.",
        )
    if "\\u0000" in text:
        raise JobResultInvalidError("The handler's result holds a NUL character.")
    return cast("Mapping[str, object]", json.loads(text))


def _cancelled() -> JobEnding:
    return JobEnding(
        state=JobState.CANCELLED, outcome=AttemptOutcome.CANCELLED, message="Cancelled."
    )


def _paused(pause: JobPaused) -> JobEnding:
    return JobEnding(
        state=JobState.PAUSED,
        outcome=AttemptOutcome.PAUSED,
        message=f"Log in at {pause.service.capitalize()}: {pause.link}",
        waits_for_service=pause.service,
    )
