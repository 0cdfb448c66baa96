"""ApiRateLimits: calls made to the brokers, by window."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Instant, Name, Whole

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
    Index(
        "uq_ApiRateLimits_window",
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
