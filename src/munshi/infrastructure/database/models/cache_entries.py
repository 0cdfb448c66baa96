"""CacheEntries: answers worth keeping for a while."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Octets, Real, Whole

cache_entries = table(
    "CacheEntries",
    Column("cache_key", Name(200), primary_key=True),
    Column("namespace", Name(50), nullable=False),
    Column("cache_value", Octets, nullable=False),
    Column("codec", Name(20), nullable=False),
    Column("size_bytes", Whole, nullable=False),
    Column("compute_ms", Real),
    Column("access_count", Whole, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_CacheEntries_expires_at", "expires_at"),
    Index("ix_CacheEntries_namespace", "namespace"),
)
