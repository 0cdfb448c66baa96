"""SystemHealth: samples of how each component did; SystemHealthHourly: their hours in short."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Instant, Json, Name, Prose, Real, Whole

system_health = table(
    "SystemHealth",
    position(),
    Column("component", Name(50), nullable=False),
    Column("status", Name(20), nullable=False),
    Column("response_time_ms", Real),
    Column("error_count", Whole, nullable=False, server_default="0"),
    Column("checked_at", Instant, nullable=False),
    Column("details", Json),
    Column("last_error", Prose),
    Column("last_error_at", Instant),
    Index("ix_SystemHealth_component_checked_at", "component", "checked_at"),
    Index("ix_SystemHealth_checked_at", "checked_at"),
    counted=True,
)

system_health_hourly = table(
    "SystemHealthHourly",
    Column("component", Name(50), primary_key=True),
    Column("hour", Instant, primary_key=True),
    Column("samples", Whole, nullable=False),
    Column("failures", Whole, nullable=False),
    Column("least_ms", Real),
    Column("mean_ms", Real),
    Column("most_ms", Real),
    Column("last_error", Prose),
    Index("ix_SystemHealthHourly_hour", "hour"),
    keyed=True,
)
