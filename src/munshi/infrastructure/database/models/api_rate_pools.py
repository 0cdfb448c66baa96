"""ApiRatePools: each limit of a broker as it holds now, and until when it is closed."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Day, Instant, Name, Real, Whole

api_rate_pools = table(
    "ApiRatePools",
    position("pool_id"),
    Column("mode", Name(20), nullable=False),
    Column("account", Name(50), nullable=False, server_default="main"),
    # As in the configuration: kite.historical.
    Column("name", Name(50), nullable=False),
    Column("requests", Whole, nullable=False),
    Column("seconds", Real, nullable=False),
    Column("daily", Whole),
    # What downloads must leave: of the slots at all times, of the day's count while it trades.
    Column("kept", Whole, nullable=False),
    Column("daily_kept", Whole, nullable=False),
    Column("closed_until", Instant, nullable=False),
    # Whoever holds slots of an earlier shape must read this row again.
    Column("version", Whole, nullable=False),
    # What it was worked out from: the configuration's revision, and the day (IST).
    Column("config_revision", Whole, nullable=False),
    Column("worked_out_for", Day, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("uq_ApiRatePools_name", "mode", "account", "name", unique=True),
    counted=True,
)
