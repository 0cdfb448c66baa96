"""SystemHealth: samples of how each component did."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Instant, Json, Name, Real, Whole

system_health = table(
    "SystemHealth",
    position(),
    Column("component", Name(50), nullable=False),
    Column("status", Name(20), nullable=False),
    Column("response_time_ms", Real),
    Column("error_count", Whole, nullable=False, server_default="0"),
    Column("checked_at", Instant, nullable=False),
    Column("details", Json),
    Index("ix_SystemHealth_component_checked_at", "component", "checked_at"),
    Index("ix_SystemHealth_checked_at", "checked_at"),
    counted=True,
)
