"""ProvisionalBars: minutes as a stream showed them, until history confirms them. No candles."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Flag, Instant, Name, RowUuid, Whole

provisional_bars = table(
    "ProvisionalBars",
    Column("bar_id", RowUuid, primary_key=True),
    Column("mode", Name(20), nullable=False),
    Column("source", Name(50), nullable=False),
    Column("exchange", Name(20), nullable=False),
    Column("instrument", Name(100), nullable=False),
    Column("opens", Instant, nullable=False),
    Column("open", Whole, nullable=False),
    Column("high", Whole, nullable=False),
    Column("low", Whole, nullable=False),
    Column("close", Whole, nullable=False),
    Column("volume", Whole, nullable=False),
    Column("oi", Whole),
    Column("is_whole", Flag, nullable=False),
    Column("stored_at", Instant, nullable=False),
    CheckConstraint("mode IN ('simulated', 'live')", name="mode"),
    Index(
        "uq_ProvisionalBars_minute",
        "mode",
        "source",
        "exchange",
        "instrument",
        "opens",
        unique=True,
    ),
    Index("ix_ProvisionalBars_opens", "opens"),
)
