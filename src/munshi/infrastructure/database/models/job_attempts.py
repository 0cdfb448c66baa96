"""JobAttempts: who ran a job, under which lease, and how it ended. Heartbeats touch only this."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Instant, Name, Prose, RowUuid, Whole

job_attempts = table(
    "JobAttempts",
    Column(
        "job_id", RowUuid, ForeignKey("BackgroundJobs.job_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("attempt", Whole, primary_key=True, autoincrement=False),
    Column("worker_id", Name(100), nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", Name(20)),
    Column("error", Prose),
    Index("ix_JobAttempts_open", "job_id", **where("finished_at IS NULL")),
    keyed=True,
)
