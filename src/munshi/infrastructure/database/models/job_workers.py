"""JobWorkers: the processes that run jobs, and when each was last heard of."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Whole

job_workers = table(
    "JobWorkers",
    Column("worker_id", Name(100), primary_key=True),
    Column("host", Name(100), nullable=False),
    Column("process_id", Whole, nullable=False),
    Column("status", Name(20), nullable=False),
    Column("threads", Whole, nullable=False),
    Column("running", Whole, nullable=False),
    Column("abandoned", Whole, nullable=False, server_default="0"),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Index("ix_JobWorkers_heartbeat_at", "heartbeat_at"),
)
