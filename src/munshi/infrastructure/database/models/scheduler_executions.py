"""SchedulerExecutions: what each schedule did, and when it was due."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import position, table, where
from munshi.infrastructure.database.types import Flag, Instant, Name, Prose, RowUuid, Whole

scheduler_executions = table(
    "SchedulerExecutions",
    position(),
    Column("job_name", Name(100), nullable=False),
    Column("job_id", RowUuid),
    Column("platform", Name(20)),
    Column("scheduled_for", Instant, nullable=False),
    Column("execution_time", Instant),
    Column("success", Flag),
    Column("result_message", Prose),
    Column("error_details", Prose),
    Column("duration_ms", Whole),
    Column("retry_count", Whole, nullable=False, server_default="0"),
    Column("status", Name(20), nullable=False, server_default="fired"),
    Column("missed_until", Instant),
    Column("missed_count", Whole, nullable=False, server_default="0"),
    Index(
        "uq_SchedulerExecutions_job_name_scheduled_for", "job_name", "scheduled_for", unique=True
    ),
    Index("ix_SchedulerExecutions_execution_time", "execution_time"),
    Index("ix_SchedulerExecutions_job_id", "job_id"),
    Index("ix_SchedulerExecutions_missed", "scheduled_for", **where("missed_count > 0")),
    # What waits for its job to end.
    Index(
        "ix_SchedulerExecutions_open",
        "job_id",
        **where("success IS NULL AND job_id IS NOT NULL"),
    ),
    counted=True,
)
