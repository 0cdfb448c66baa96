"""Instruments: what each broker listed, and from which day to which; and the lists themselves."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Amount, Day, Instant, Json, Name, RowUuid, Whole

_IS_CURRENT = where("last_seen IS NULL")

instruments = table(
    "Instruments",
    Column("instrument_id", RowUuid, primary_key=True),
    Column("lineage_id", RowUuid, nullable=False),
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
    Column("first_day", Day, nullable=False),
    Column("last_day", Day, nullable=False),
    Column("last_seen", Day),
    Column("change", Name(100), nullable=False),
    Column("unmapped", Name(20)),
    CheckConstraint("mode = 'simulated' OR mode = 'live'", name="mode"),
    CheckConstraint("first_day <= last_day", name="days"),
    # Of one symbol a broker's list has one row a day, and the newest list one row at all.
    Index(
        "uq_Instruments_current",
        "mode",
        "exchange",
        "tradingsymbol",
        "service_type",
        unique=True,
        **_IS_CURRENT,
    ),
    Index(
        "uq_Instruments_symbol",
        "mode",
        "exchange",
        "tradingsymbol",
        "service_type",
        "first_day",
        unique=True,
    ),
    Index("ix_Instruments_underlying", "mode", "underlying", "expiry", "strike"),
    Index("ix_Instruments_token", "mode", "token", "service_type"),
    Index("ix_Instruments_last_seen", "mode", "service_type", "last_seen"),
    Index("ix_Instruments_lineage", "lineage_id"),
    Index(
        "ix_Instruments_unmapped",
        "mode",
        "exchange",
        "tradingsymbol",
        "service_type",
        **where("unmapped IS NOT NULL AND last_seen IS NULL"),
    ),
)

instrument_lists = table(
    "InstrumentLists",
    Column("mode", Name(20), primary_key=True),
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("service_type", Name(20), nullable=False),
    Column("day", Day, nullable=False),
    Column("loaded_at", Instant, nullable=False),
    Column("counts", Json, nullable=False),
    CheckConstraint("mode = 'simulated' OR mode = 'live'", name="mode"),
    Index("ix_InstrumentLists_day", "mode", "service_type", "day"),
)
