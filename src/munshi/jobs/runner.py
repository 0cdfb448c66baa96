"""Runs one claimed job: finds its handler, calls it and says how it ended, whatever happens."""

from collections.abc import Mapping

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import (
    AppError,
    JobTypeUnknownError,
    RequestAbandonedError,
)
from munshi.jobs.causes import trace
from munshi.jobs.endings import after_error, after_success
from munshi.jobs.entries import checked_result, resolve
from munshi.jobs.run import JobRun, being_run
from munshi.jobs.stops import JobCancelled, JobFenced, JobPaused

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
