"""CandleGaps: trading days for which the broker was asked and bars are missing, and why."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.domain.market.candle_gaps import MissingReason
from munshi.infrastructure.database.models.base import one_of, table
from munshi.infrastructure.database.types import Day, Instant, Name, Prose, RowUuid, Whole

# The job is named and not held: jobs are deleted after a while, what is missing stays missing.
candle_gaps = table(
    "CandleGaps",
    Column("mode", Name(20), primary_key=True),
    Column("source", Name(50), primary_key=True),
    Column("exchange", Name(20), primary_key=True),
    Column("instrument", Name(100), primary_key=True),
    Column("interval", Name(20), primary_key=True),
    Column("day", Day, primary_key=True),
    Column("reason", Name(30), nullable=False),
    Column("expected", Whole, nullable=False),
    Column("present", Whole, nullable=False),
    Column("detail", Prose),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("job_id", RowUuid),
    CheckConstraint(one_of("mode", ("simulated", "live")), name="mode"),
    CheckConstraint(one_of("reason", MissingReason), name="reason"),
    Index("ix_CandleGaps_last_seen", "mode", "last_seen"),
    keyed=True,
)
