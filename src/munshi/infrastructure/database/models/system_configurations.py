"""SystemConfigurations, its one global revision and its append-only history."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import (
    Flag,
    Instant,
    Json,
    Name,
    Prose,
    RowUuid,
    Secret,
    Whole,
)

system_configurations = table(
    "SystemConfigurations",
    Column("config_id", RowUuid, primary_key=True),
    Column("config_type", Name(50), nullable=False),
    Column("config_key", Name(150), nullable=False),
    Column("config_value", Json),
    Column("secret_value", Secret),
    Column("version", Whole, nullable=False),
    Column("revision", Whole, nullable=False),
    Column("description", Prose),
    Column("updated_by", Name(100), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("is_active", Flag, nullable=False),
    CheckConstraint("config_value IS NULL OR secret_value IS NULL", name="one_value"),
    Index(
        "uq_SystemConfigurations_config_type_config_key", "config_type", "config_key", unique=True
    ),
)

config_revision = table(
    "ConfigRevision",
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("revision", Whole, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

config_history = table(
    "ConfigHistory",
    Column("revision", Whole, primary_key=True, autoincrement=False),
    Column("config_type", Name(50), nullable=False, primary_key=True),
    Column("config_key", Name(150), nullable=False, primary_key=True),
    Column("version", Whole, nullable=False),
    Column("config_value", Json),
    Column("is_secret", Flag, nullable=False),
    Column("is_active", Flag, nullable=False),
    Column("updated_by", Name(100), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_ConfigHistory_config_type_config_key", "config_type", "config_key", "version"),
)
