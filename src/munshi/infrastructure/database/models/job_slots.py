"""JobSlots: who holds which of a queue's limited places; a number can be taken only once."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Name, RowUuid, Whole

job_slots = table(
    "JobSlots",
    Column("queue", Name(50), primary_key=True),
    # Empty for the places of the queue as a whole.
    Column("concurrency_key", Name(200), primary_key=True),
    Column("slot", Whole, primary_key=True, autoincrement=False),
    Column("job_id", RowUuid, ForeignKey("BackgroundJobs.job_id"), nullable=False),
    Column("attempt", Whole, nullable=False),
    Index("ix_JobSlots_job_id", "job_id"),
    keyed=True,
)
