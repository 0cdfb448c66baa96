"""JobLogs: what a job said while it ran, a capped number of lines."""

from sqlalchemy import Column, ForeignKey

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Json, Name, Prose, RowUuid, Whole

job_logs = table(
    "JobLogs",
    Column(
        "job_id", RowUuid, ForeignKey("BackgroundJobs.job_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("attempt", Whole, primary_key=True, autoincrement=False),
    Column("line", Whole, primary_key=True, autoincrement=False),
    Column("logged_at", Instant, nullable=False),
    Column("level", Name(20), nullable=False),
    Column("event", Prose, nullable=False),
    Column("fields", Json),
    keyed=True,
)
