"""UserSessions: people signed in to the web pages. Only the token's hash is stored."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import (
    Digest,
    Flag,
    Instant,
    Name,
    Prose,
    RowUuid,
    Whole,
)

user_sessions = table(
    "UserSessions",
    Column("session_id", RowUuid, primary_key=True),
    Column("username", Name(100), nullable=False),
    Column("session_token", Digest, nullable=False),
    Column("role", Name(20), nullable=False),
    Column("ip_address", Name(45)),
    Column("user_agent", Prose),
    Column("created_at", Instant, nullable=False),
    Column("last_activity", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("is_active", Flag, nullable=False),
    Column("revoked_at", Instant),
    Column("user_id", RowUuid, ForeignKey("Users.user_id", ondelete="CASCADE")),
    Column("authenticated_at", Instant),
    # `expires_at` moves with use and ends here at the latest.
    Column("absolute_until", Instant),
    Column("idle_minutes", Whole),
    Index("uq_UserSessions_session_token", "session_token", unique=True),
    Index("ix_UserSessions_username", "username"),
    Index("ix_UserSessions_user_id", "user_id"),
    Index(
        "ix_UserSessions_active_expires_at",
        "expires_at",
        **where("is_active = 1", postgresql="is_active"),
    ),
)
