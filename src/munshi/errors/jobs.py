"""Jobs, queues and schedules."""

from collections.abc import Sequence

from munshi.errors.base import AppError


class JobUnknownError(AppError):
    """No such job."""

    status = 404


class JobTypeUnknownError(AppError):
    """No such job type."""

    status = 404


class JobParametersInvalidError(AppError):
    """The job's parameters do not fit its type."""

    status = 422


class JobResultInvalidError(AppError):
    """The job's result cannot be stored."""

    status = 500


class JobExtraMissingError(AppError):
    """The libraries that this job type needs are not installed."""

    status = 503


class JobArtifactInvalidError(AppError):
    """The file cannot be kept with the job."""

    status = 422


class JobArtifactUnwritableError(AppError):
    """The disk does not take the job's file."""

    status = 507


class QueueUnknownError(AppError):
    """No such queue of jobs."""

    status = 404


class JobStateConflictError(AppError):
    """The job's state does not allow this."""

    status = 409


class JobSelectionGrownError(AppError):
    """More jobs match than were shown."""

    status = 409


class JobAttemptFencedError(AppError):
    """A newer attempt of the job has taken over."""

    status = 409


class ScheduleUnknownError(AppError):
    """No such schedule."""

    status = 404


class ScheduleSeededError(AppError):
    """The schedule comes with Munshi and cannot be removed, only paused."""

    status = 409


class JobHandlerFailedError(AppError):
    """The job's handler failed in the process that ran it.

    What it raised there says whether it is `retryable`, after how many seconds at the soonest
    (`retry_after`), and where it happened (`trace`, outermost first).
    """

    def __init__(
        self,
        detail: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        trace: Sequence[str] = (),
    ) -> None:
        super().__init__(detail)
        self.retryable = retryable
        self.retry_after = retry_after
        self.trace = tuple(trace)


class JobProcessDiedError(AppError):
    """The process that ran the job died."""


class JobMemoryExceededError(AppError):
    """The job held more memory than its type may."""


class JobOutputExcessiveError(AppError):
    """The job wrote more output than a job may."""


class JobForkedError(AppError):
    """The job's handler forked the worker."""
