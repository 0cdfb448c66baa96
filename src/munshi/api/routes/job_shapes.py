"""Jobs and what belongs to them, as the API sends and takes them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from munshi.api.answers import Body, Shown
from munshi.api.instants import Moment
from munshi.domain.jobs import AttemptOutcome, Job, JobState, LogLevel
from munshi.errors import DateRangeInvalidError, RequestInvalidError
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.jobs.service import JobRequest
from munshi.jobs.watching import Place
from munshi.settings import BrokerMode

Limit = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str | None, Field(max_length=200)]
_LARGEST_PLACE = 2**31 - 1


class JobAsked(Body):
    job_type: str = Field(min_length=1, max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)
    priority: int = Field(default=0, ge=-100, le=100)
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=200)
    unique_for_seconds: int | None = Field(default=None, ge=1, le=366 * 86_400)
    run_at: Moment | None = None
    queue: str | None = Field(default=None, min_length=1, max_length=100)
    concurrency_key: str | None = Field(default=None, min_length=1, max_length=200)

    def to_request(self) -> JobRequest:
        seconds = self.unique_for_seconds
        return JobRequest(
            priority=self.priority,
            idempotency_key=self.idempotency_key,
            unique_for=None if seconds is None else timedelta(seconds=seconds),
            run_at=self.run_at,
            queue=self.queue,
            concurrency_key=self.concurrency_key,
        )


class JobsChosen(Body):
    """Which jobs are meant; what is left out means any."""

    state: list[JobState] | None = Field(default=None, min_length=1)
    job_type: Text = None
    queue: Text = None
    schedule: Text = None
    parent: UUID | None = None
    said: Text = Field(default=None, description="A text in the error or the message.")
    since: Moment | None = Field(default=None, description="Made not before this.")
    until: Moment | None = Field(default=None, description="Made before this.")

    def to_filter(self) -> JobFilter:
        """Raises DateRangeInvalidError."""
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise DateRangeInvalidError(
                "The time range ends before it begins.", hint="Swap since and until."
            )
        return JobFilter(
            states=None if self.state is None else frozenset(self.state),
            job_type=self.job_type,
            queue=self.queue,
            schedule_name=self.schedule,
            parent_id=self.parent,
            said=self.said,
            created_from=self.since,
            created_before=self.until,
        )


class AttemptShown(Shown):
    attempt: int
    worker_id: str
    lease_until: datetime
    heartbeat_at: datetime
    started_at: datetime
    finished_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None


class JobShown(Shown):
    """`progress_rate` is in percent a second; `eta` is when it ends if it goes on like that."""

    job_id: UUID
    job_type: str
    state: JobState
    progress_percent: float
    progress_rate: float | None
    eta: datetime | None
    message: str
    parameters: Mapping[str, Any]
    result: Mapping[str, Any] | None = Field(validation_alias="result_data")
    error: str | None = Field(validation_alias="error_details")
    queue: str
    priority: int
    concurrency_key: str | None
    attempt: int
    max_attempts: int
    errors: int
    crashes: int
    run_at: datetime
    created_by: str
    schedule_name: str | None
    parent_id: UUID | None
    idempotency_key: str | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime | None
    imported_from: str | None


class JobAnswer(JobShown):
    """One job; `mode` says which brokers it speaks to."""

    mode: BrokerMode


class JobStatusAnswer(JobAnswer):
    """`outlook` says when a collection in parts will end, by the brokers' quotas."""

    outlook: str | None
    attempts: list[AttemptShown]


class JobsAnswer(Shown):
    mode: BrokerMode
    jobs: list[JobShown]
    next_cursor: str | None = None


class JobCleanupAnswer(Shown):
    deleted: int
    days: int


class JobDiscardAnswer(Shown):
    job_id: UUID
    discarded: bool


class LogLineShown(Shown):
    attempt: int
    line: int
    logged_at: datetime
    level: LogLevel
    event: str
    fields: Mapping[str, Any] | None


class LogAnswer(Shown):
    """Ask again with `after` = `next_after` for what comes later."""

    lines: list[LogLineShown]
    next_after: str


class ArtifactShown(Shown):
    name: str
    attempt: int
    media_type: str
    size: int
    sha256: str
    created_at: datetime
    href: str


class ArtifactsAnswer(Shown):
    artifacts: list[ArtifactShown]


def job_fields(job: Job) -> dict[str, Any]:
    """What a `JobAnswer` is made of, but for the mode."""
    shown = JobShown.model_validate(job).model_dump()
    return {**shown, "result_data": shown["result"], "error_details": shown["error"]}


def job_answer(job: Job, mode: BrokerMode) -> JobAnswer:
    """One job, as every call that answers with one shows it."""
    return JobAnswer(**job_fields(job), mode=mode)


def place_text(place: Place) -> str:
    """`2:14`: the second attempt's log up to line 14."""
    return f"{place[0]}:{place[1]}"


def read_place(text: str) -> Place:
    """Raises RequestInvalidError unless `place_text` could have made it."""
    attempt, _, line = text.partition(":")
    if all(part.isascii() and part.isdigit() and len(part) < 11 for part in (attempt, line)):  # noqa: PLR2004
        place = int(attempt), int(line)
        if max(place) <= _LARGEST_PLACE:
            return place
    raise RequestInvalidError(
        "A place in a log is written as ATTEMPT:LINE, such as 1:20.",
        hint="Use next_after, or the id of the last event, as it stands.",
    )
