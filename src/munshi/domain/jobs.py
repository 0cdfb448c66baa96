"""Background jobs: their states, what may follow what, and the rows that record them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, Self
from uuid import UUID

from munshi.domain.enums import Service
from munshi.errors import JobStateConflictError

AUTO_LOGIN = "auto_login"
DATA_COLLECTION = "data_collection"


class JobState(StrEnum):
    """Where a job stands. The last four are final.

    scheduled: not before `run_at`, also between retries. waiting: for its children. paused: for
    a broker login. held: a person must decide. failed: trying again is pointless. dead: the
    retries, or the crashes it was allowed, are used up.
    """

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.DEAD, JobState.CANCELLED})

TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.SCHEDULED: frozenset(
        {JobState.QUEUED, JobState.RUNNING, JobState.HELD, JobState.CANCELLED}
    ),
    JobState.QUEUED: frozenset(
        {
            JobState.SCHEDULED,
            JobState.RUNNING,
            JobState.PAUSED,
            JobState.HELD,
            JobState.CANCELLED,
        }
    ),
    # Back to queued is what happens when a worker's lease ran out.
    JobState.RUNNING: frozenset(JobState) - {JobState.RUNNING},
    JobState.WAITING: frozenset(
        {
            JobState.QUEUED,
            JobState.HELD,
            JobState.SUCCEEDED,
            JobState.FAILED,
            JobState.CANCELLED,
        }
    ),
    # The login itself completes a paused auto_login, without another run.
    JobState.PAUSED: frozenset(
        {
            JobState.QUEUED,
            JobState.HELD,
            JobState.SUCCEEDED,
            JobState.FAILED,
            JobState.CANCELLED,
        }
    ),
    JobState.HELD: frozenset(
        {
            JobState.SCHEDULED,
            JobState.QUEUED,
            JobState.FAILED,
            JobState.DEAD,
            JobState.CANCELLED,
        }
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.DEAD: frozenset(),
    JobState.CANCELLED: frozenset(),
}


def check_transition(current: JobState, wanted: JobState) -> None:
    """Raise JobStateConflictError unless `wanted` may follow `current`."""
    if wanted not in TRANSITIONS[current]:
        raise JobStateConflictError(f"A {current} job cannot become {wanted}.")


class JobParameters(Protocol):
    """The typed input of one job type, which travels as JSON."""

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Raises JobParametersInvalidError with one sentence that names the field."""
        ...

    def to_json(self) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """How one job type is run.

    `entry` is `module:function`, resolved where the job runs; `needs` names the optional
    dependencies it cannot run without. A job that is not `idempotent` is never run a second
    time by itself; any other is tried `max_attempts` times as long as its error is retryable.
    """

    params: type[JobParameters]
    entry: str
    runs_in: Literal["thread", "process"]
    needs: str | None = None
    idempotent: bool
    max_attempts: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of BackgroundJobs.

    `attempt` counts the claims so far; it fences late writes. The lower `priority` runs first, as
    with `nice`.
    """

    job_id: UUID
    job_type: str
    state: JobState
    progress_percent: float
    message: str
    parameters: Mapping[str, object]
    result_data: Mapping[str, object] | None
    error_details: str | None
    priority: int
    attempt: int
    max_attempts: int
    run_at: datetime
    waits_for_service: Service | None
    created_by: str
    idempotency_key: str | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime | None
    parent_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is stored when work is asked for. Only one live job may have an `idempotency_key`."""

    job_id: UUID
    job_type: str
    parameters: Mapping[str, object]
    priority: int = 0
    max_attempts: int = 1
    run_at: datetime
    created_by: str
    idempotency_key: str | None = None
    parent_id: UUID | None = None


class AttemptOutcome(StrEnum):
    """How one claim of a job ended. released: its worker stopped and handed the job back."""

    SUCCEEDED = "succeeded"
    ERROR = "error"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    RELEASED = "released"
    LEASE_EXPIRED = "lease_expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnding:
    """What an attempt leaves behind; None for `percent` or `message` keeps the last reported."""

    state: JobState
    outcome: AttemptOutcome
    percent: float | None = None
    message: str | None = None
    result: Mapping[str, object] | None = None
    error: str | None = None
    run_at: datetime | None = None
    waits_for_service: Service | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAttempt:
    """One claim of a job by a worker: its lease, its life signs and how it ended."""

    job_id: UUID
    attempt: int
    worker_id: str
    lease_until: datetime
    heartbeat_at: datetime
    started_at: datetime
    finished_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None

    def is_lapsed(self, *, now: datetime) -> bool:
        """Still unfinished although its lease has run out."""
        return self.finished_at is None and self.lease_until <= now
