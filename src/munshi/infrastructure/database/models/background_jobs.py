"""BackgroundJobs: every piece of work, with its state. The states are final from the start."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index

from munshi.domain.jobs import JobState
from munshi.infrastructure.database.models.base import one_of, table, where
from munshi.infrastructure.database.types import (
    Flag,
    Instant,
    Json,
    Name,
    Prose,
    Real,
    RowUuid,
    Whole,
)

# A job that goes well passes none of them but, perhaps, the first.
RARE_STATES = (
    JobState.SCHEDULED,
    JobState.WAITING,
    JobState.PAUSED,
    JobState.HELD,
    JobState.FAILED,
    JobState.DEAD,
    JobState.CANCELLED,
)

background_jobs = table(
    "BackgroundJobs",
    Column("job_id", RowUuid, primary_key=True),
    Column("job_type", Name(50), nullable=False),
    Column("status", Name(20), nullable=False),
    Column("progress_percent", Real, nullable=False, server_default="0"),
    Column("message", Prose),
    Column("parameters", Json, nullable=False),
    Column("result_data", Json),
    Column("error_details", Prose),
    Column("priority", Whole, nullable=False, server_default="0"),
    Column("attempt", Whole, nullable=False, server_default="0"),
    Column("max_attempts", Whole, nullable=False, server_default="1"),
    Column("run_at", Instant, nullable=False),
    Column("waits_for_service", Name(20)),
    Column("cancel_requested", Flag, nullable=False),
    Column("idempotency_key", Name(200)),
    Column("parent_id", RowUuid, ForeignKey("BackgroundJobs.job_id")),
    Column("created_by", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("updated_at", Instant, nullable=False),
    Column("completed_at", Instant),
    Column("queue", Name(50), nullable=False, server_default="default"),
    Column("turn_at", Instant, nullable=False),
    Column("concurrency_key", Name(200)),
    Column("idempotency_until", Instant),
    Column("schedule_name", Name(100)),
    Column("errors", Whole, nullable=False, server_default="0"),
    Column("crashes", Whole, nullable=False, server_default="0"),
    Column("progress_rate", Real),
    # Of the attempt that runs, or ran last.
    Column("worker_id", Name(100)),
    Column("attempt_started_at", Instant),
    Column("lease_until", Instant),
    Column("heartbeat_at", Instant),
    # The table and row of an old install; such a job is over and is never run.
    Column("imported_from", Name(200)),
    CheckConstraint(one_of("status", JobState), name="status"),
    CheckConstraint("progress_percent >= 0 AND progress_percent <= 100", name="progress_percent"),
    # Column for column what a claim asks: the types a worker has room for, each in its order.
    Index(
        "ix_BackgroundJobs_claim",
        "queue",
        "job_type",
        "turn_at",
        **where("status = 'queued'"),
    ),
    Index("ix_BackgroundJobs_running", "created_at", **where("status = 'running'")),
    Index("ix_BackgroundJobs_due", "run_at", **where("status = 'scheduled'")),
    Index(
        "uq_BackgroundJobs_idempotency_key_live",
        "idempotency_key",
        unique=True,
        **where(
            "idempotency_key IS NOT NULL AND status IN "
            "('scheduled', 'queued', 'running', 'waiting', 'paused', 'held')"
        ),
    ),
    Index(
        "uq_BackgroundJobs_idempotency_key_kept",
        "idempotency_key",
        unique=True,
        **where("idempotency_key IS NOT NULL AND idempotency_until IS NOT NULL"),
    ),
    Index("ix_BackgroundJobs_created_at_job_id", "created_at", "job_id"),
    Index(
        "ix_BackgroundJobs_status_created_at",
        "status",
        "created_at",
        **where(one_of("status", RARE_STATES)),
    ),
    Index("ix_BackgroundJobs_parent_id", "parent_id", **where("parent_id IS NOT NULL")),
)
