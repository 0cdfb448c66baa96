"""Instruments: what each broker lists, as of the day its master was loaded."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Amount, Day, Instant, Name, RowUuid, Whole

instruments = table(
    "Instruments",
    Column("instrument_id", RowUuid, primary_key=True),
    Column("mode", Name(20), nullable=False),
    Column("service_type", Name(20), nullable=False),
    Column("exchange", Name(20), nullable=False),
    Column("tradingsymbol", Name(100), nullable=False),
    Column("name", Name(200), nullable=False),
    Column("kind", Name(10), nullable=False),
    Column("segment", Name(20), nullable=False),
    Column("underlying", Name(100)),
    Column("expiry", Day),
    Column("strike", Amount),
    Column("lot_size", Whole, nullable=False),
    Column("tick_size", Amount, nullable=False),
    Column("token", Name(50)),
    Column("broker_code", Name(100)),
    Column("loaded_at", Instant, nullable=False),
    CheckConstraint("mode IN ('simulated', 'live')", name="mode"),
    Index(
        "uq_Instruments_symbol", "mode", "service_type", "exchange", "tradingsymbol", unique=True
    ),
    Index("ix_Instruments_underlying_expiry", "mode", "underlying", "expiry"),
)
