"""PendingLogins: a redirect from a broker is taken only while one of these waits for it."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Digest, Instant, Name, RowUuid

pending_logins = table(
    "PendingLogins",
    Column("login_id", RowUuid, primary_key=True),
    Column("service_type", Name(20), nullable=False),
    Column("account", Name(50), nullable=False),
    Column("mode", Name(20), nullable=False),
    Column("state_hash", Digest, nullable=False),
    Column("created_by", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_PendingLogins_service_type_mode_expires_at", "service_type", "mode", "expires_at"),
)
