"""ApiRateLimits: calls made to the brokers, by minute, and the counts of each day."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Instant, Name, Real, Whole

api_rate_limits = table(
    "ApiRateLimits",
    position(),
    Column("api_name", Name(20), nullable=False),
    Column("account", Name(50), nullable=False, server_default="main"),
    Column("endpoint", Name(100), nullable=False),
    Column("window_start", Instant, nullable=False),
    Column("window_end", Instant, nullable=False),
    Column("request_count", Whole, nullable=False, server_default="0"),
    Column("refusals", Whole, nullable=False, server_default="0"),
    Column("limit", Whole),
    Column("mode", Name(20), nullable=False, server_default="live"),
    # How many of the calls had to wait for a permit, and for how long together.
    Column("waits", Whole, nullable=False, server_default="0"),
    Column("waited_seconds", Real, nullable=False, server_default="0"),
    Index(
        "uq_ApiRateLimits_window",
        "mode",
        "api_name",
        "account",
        "endpoint",
        "window_start",
        "window_end",
        unique=True,
    ),
    Index("ix_ApiRateLimits_window_end", "window_end"),
    counted=True,
)
