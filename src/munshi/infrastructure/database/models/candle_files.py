"""CandleFiles: which Parquet file holds a month of bars. Committing the row is the switch."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Flag, Instant, Name, Prose, RowUuid, Whole

candle_files = table(
    "CandleFiles",
    Column("file_id", RowUuid, primary_key=True),
    Column("mode", Name(20), nullable=False),
    Column("source", Name(50), nullable=False),
    Column("exchange", Name(20), nullable=False),
    Column("instrument", Name(100), nullable=False),
    Column("interval", Name(20), nullable=False),
    Column("month", Name(6), nullable=False),
    Column("path", Prose, nullable=False),
    Column("sha256", Name(64), nullable=False),
    Column("rows", Whole, nullable=False),
    Column("bytes", Whole, nullable=False),
    Column("first_open", Instant, nullable=False),
    Column("last_open", Instant, nullable=False),
    Column("label", Name(100), nullable=False),
    Column("fetched_at", Instant, nullable=False),
    Column("replaces", RowUuid, ForeignKey("CandleFiles.file_id")),
    Column("is_current", Flag, nullable=False),
    # Bars of each day; empty in rows of before it was kept.
    Column("day_bars", Prose),
    CheckConstraint("mode IN ('simulated', 'live')", name="mode"),
    Index(
        "uq_CandleFiles_current",
        "mode",
        "source",
        "exchange",
        "instrument",
        "interval",
        "month",
        unique=True,
        **where("is_current = 1", postgresql="is_current"),
    ),
)
