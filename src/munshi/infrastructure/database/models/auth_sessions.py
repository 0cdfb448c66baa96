"""AuthSessions: broker logins, one active per service, account and mode."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Flag, Instant, Json, Name, RowUuid, Secret

auth_sessions = table(
    "AuthSessions",
    Column("session_id", RowUuid, primary_key=True),
    Column("service_type", Name(20), nullable=False),
    Column("account", Name(50), nullable=False, server_default="main"),
    Column("mode", Name(20), nullable=False),
    Column("access_token", Secret, nullable=False),
    Column("session_token", Secret),
    Column("refresh_token", Secret),
    Column("key_id", Name(40), nullable=False, info={"says_who_sealed": True}),
    Column("user_id", Name(100), nullable=False),
    Column("user_name", Name(200), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("is_active", Flag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("metadata", Json, nullable=False),
    CheckConstraint("mode IN ('simulated', 'live')", name="mode"),
    CheckConstraint("service_type IN ('kite', 'breeze')", name="service_type"),
    Index(
        "uq_AuthSessions_active",
        "service_type",
        "account",
        "mode",
        unique=True,
        **where("is_active = 1", postgresql="is_active"),
    ),
    Index(
        "ix_AuthSessions_active_expires_at",
        "expires_at",
        **where("is_active = 1", postgresql="is_active"),
    ),
    Index("ix_AuthSessions_service_type_created_at", "service_type", "mode", "created_at"),
)
