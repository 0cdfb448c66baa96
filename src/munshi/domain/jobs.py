"""Background jobs: their states, what may follow what, and the rows that record them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from secrets import randbits
from uuid import UUID

from munshi.domain.enums import Service
from munshi.errors import JobStateConflictError

AUTO_LOGIN = "auto_login"
BACKTEST = "backtest"
BACKTEST_AUDIT = "backtest_audit"
BACKTEST_SWEEP = "backtest_sweep"
BACKTEST_SWEEP_PART = "backtest_sweep_part"
DATA_COLLECTION = "data_collection"
COLLECTION_PART = "collection_part"
COLLECTION_QUEUE = "collection"
DAILY_COLLECTION = "daily_collection"
DATA_VERIFICATION = "data_verification"
DATA_QUALITY = "data_quality"
PRICE_STREAM = "price_stream"
SESSION_CLEANUP = "session_cleanup"
SESSION_WATCH = "session_watch"
HEALTH_SWEEP = "health_sweep"
JOB_CLEANUP = "job_cleanup"
DATABASE_MAINTENANCE = "database_maintenance"
BROKER_CALL_ANALYSIS = "broker_call_analysis"
CACHE_REPORT = "cache_report"
AUDIT_ARCHIVE = "audit_archive"
AUDIT_VERIFICATION = "audit_verification"
INSTRUMENT_LOAD = "instrument_load"
ML_VALIDATION = "ml_validation"
MORNING_BRIEF, EVENING_SUMMARY = "morning_brief", "evening_summary"
DEFAULT_QUEUE = "default"
# What one step of priority is worth in waiting: so every job's turn comes.
PRIORITY_STEP = timedelta(minutes=1)


class JobState(StrEnum):
    """Where a job stands. The last four are final: the job is completed.

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
    JobState.SCHEDULED: frozenset({JobState.QUEUED, JobState.HELD, JobState.CANCELLED}),
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
    # Out of a final state leads only a person's retry.
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.DEAD: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}


_LONGEST_ETA = timedelta(days=365).total_seconds()
_ids = count()


def new_job_id(now: datetime) -> UUID:
    """A UUID of version 7: ids of one process sort by time, so that neighbours stay together."""
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | (next(_ids) & 0xFFF) << 64
    return UUID(int=value | 2 << 62 | randbits(62))


def check_transition(current: JobState, wanted: JobState) -> None:
    """Raise JobStateConflictError unless `wanted` may follow `current`."""
    if wanted not in TRANSITIONS[current]:
        raise JobStateConflictError(f"A {current} job cannot become {wanted}.")


@dataclass(frozen=True, slots=True)
class Job:
    """One row of BackgroundJobs.

    `attempt` counts the claims so far; it fences late writes. `errors` and `crashes` count since
    the last time a person retried the job. The lower `priority` runs first, as with `nice`;
    `progress_rate` is in percent a second. `imported_from` names the table and row of an old
    install; such a job is never run.
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
    queue: str = DEFAULT_QUEUE
    concurrency_key: str | None = None
    idempotency_until: datetime | None = None
    schedule_name: str | None = None
    errors: int = 0
    crashes: int = 0
    progress_rate: float | None = None
    imported_from: str | None = None

    @property
    def eta(self) -> datetime | None:
        """When it will be done if it goes on as it did; None where that cannot be said."""
        if self.state is not JobState.RUNNING or not self.progress_rate:
            return None
        left = (100 - self.progress_percent) / self.progress_rate
        return self.updated_at + timedelta(seconds=left) if left < _LONGEST_ETA else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is stored when work is asked for.

    Only one live job may have an `idempotency_key`, or, with `idempotency_until`, one job until
    then. `concurrency_key` names whose turn is limited in a queue with a limit for each key.
    """

    job_id: UUID
    job_type: str
    parameters: Mapping[str, object]
    priority: int = 0
    max_attempts: int = 1
    run_at: datetime
    created_by: str
    idempotency_key: str | None = None
    parent_id: UUID | None = None
    queue: str = DEFAULT_QUEUE
    concurrency_key: str | None = None
    idempotency_until: datetime | None = None
    schedule_name: str | None = None

    @property
    def turn_at(self) -> datetime:
        """What claims are ordered by: a priority moves it, and waiting makes up for it."""
        return self.run_at + self.priority * PRIORITY_STEP


class AttemptOutcome(StrEnum):
    """How one claim of a job ended.

    waiting: it fanned out. released: its worker stopped and handed the job back. lease_expired:
    its worker fell silent. crashed: the process that ran it died. timed_out: alive, but slower
    than its type may be.
    """

    SUCCEEDED = "succeeded"
    ERROR = "error"
    TIMED_OUT = "timed_out"
    PAUSED = "paused"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    RELEASED = "released"
    LEASE_EXPIRED = "lease_expired"
    CRASHED = "crashed"

    @property
    def is_error(self) -> bool:
        return self in {AttemptOutcome.ERROR, AttemptOutcome.TIMED_OUT}

    @property
    def is_crash(self) -> bool:
        return self in {AttemptOutcome.LEASE_EXPIRED, AttemptOutcome.CRASHED}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnding:
    """What an attempt leaves behind; None for `percent` or `message` keeps the last reported.

    `children` are stored with it and are what a waiting job waits for.
    """

    state: JobState
    outcome: AttemptOutcome
    percent: float | None = None
    message: str | None = None
    result: Mapping[str, object] | None = None
    error: str | None = None
    run_at: datetime | None = None
    turn_at: datetime | None = None
    waits_for_service: Service | None = None
    children: tuple[NewJob, ...] = ()


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


class PauseKind(StrEnum):
    """What nothing is taken from: a whole queue, or the jobs of one type."""

    QUEUE = "queue"
    JOB_TYPE = "job_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPause:
    """One row of JobPauses."""

    kind: PauseKind
    name: str
    reason: str | None
    paused_by: str
    paused_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How many jobs of a queue may run at a time everywhere, in all and for each key."""

    limit: int | None = None
    per_key: int | None = None


class WorkerStatus(StrEnum):
    """Whether a worker takes jobs, or only ends those it has."""

    WORKING = "working"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWorker:
    """One row of JobWorkers. `abandoned` threads ignored that they were told to stop."""

    worker_id: str
    host: str
    process_id: int
    status: WorkerStatus
    threads: int
    running: int
    abandoned: int
    started_at: datetime
    heartbeat_at: datetime


class LogLevel(StrEnum):
    """How grave a line of a job's log is; output is what the handler printed."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLogLine:
    """One line of a job's log; `line` counts from 1 in each attempt."""

    job_id: UUID
    attempt: int
    line: int
    logged_at: datetime
    level: LogLevel
    event: str
    fields: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobArtifact:
    """One row of JobArtifacts: a file of a job's; `path` is relative to the desk's home."""

    job_id: UUID
    attempt: int
    name: str
    path: str
    sha256: bytes
    size: int
    media_type: str
    created_at: datetime
