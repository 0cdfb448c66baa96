"""ScheduleCursors: up to when each schedule has been dealt with, and when it is due next."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Instant, Name, Whole

schedule_cursors = table(
    "ScheduleCursors",
    Column("job_name", Name(100), primary_key=True),
    # The version of the schedule's configuration for which `next_due` was worked out.
    Column("config_version", Whole, nullable=False),
    Column("done_until", Instant, nullable=False),
    Column("next_due", Instant),
    Column("updated_at", Instant, nullable=False),
    Index("ix_ScheduleCursors_next_due", "next_due", **where("next_due IS NOT NULL")),
)
