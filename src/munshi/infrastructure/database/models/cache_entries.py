"""CacheEntries: answers worth keeping for a while, and what says that one is not good any more."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Day, Instant, Name, Octets, Prose, Real, Whole

# A row is fresh until `fresh_until`, good enough until `expires_at`. `change_number` is what
# CacheState counted when it was written; `tags_seen` and `tables_seen` are what had been counted
# of its tags and its tables before it was worked out.
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
    Column("fresh_until", Instant),
    Column("accessed_at", Instant),
    Column("checksum", Whole, nullable=False, server_default="0"),
    Column("change_number", Whole, nullable=False, server_default="0"),
    Column("tags", Prose),
    Column("tags_seen", Whole, nullable=False, server_default="0"),
    Column("tables_seen", Whole, nullable=False, server_default="0"),
    Index("ix_CacheEntries_expires_at", "expires_at"),
    Index("ix_CacheEntries_accessed_at", "accessed_at", "size_bytes"),
    Index("ix_CacheEntries_change_number", "change_number"),
)

cache_state = table(
    "CacheState",
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("entries", Whole, nullable=False),
    Column("tags", Whole, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

cache_tags = table(
    "CacheTags",
    Column("tag", Name(200), primary_key=True),
    Column("version", Whole, nullable=False),
    Column("invalidated_at", Instant, nullable=False),
    keyed=True,
)

# Triggers write it. Only the sum of a table's rows counts, so that nobody waits for another's row.
cache_table_changes = table(
    "CacheTableChanges",
    position(),
    Column("table_name", Name(50), nullable=False),
    Column("changes", Whole, nullable=False),
    counted=True,
)

cache_leases = table(
    "CacheLeases",
    Column("cache_key", Name(200), primary_key=True),
    Column("holder", Whole, nullable=False),
    Column("expires_at", Instant, nullable=False),
    keyed=True,
)

cache_use = table(
    "CacheUse",
    Column("day", Day, primary_key=True),
    Column("namespace", Name(50), primary_key=True),
    Column("first_hits", Whole, nullable=False, server_default="0"),
    Column("second_hits", Whole, nullable=False, server_default="0"),
    Column("stale_hits", Whole, nullable=False, server_default="0"),
    Column("misses", Whole, nullable=False, server_default="0"),
    Column("computed", Whole, nullable=False, server_default="0"),
    Column("compute_seconds", Real, nullable=False, server_default="0"),
    Column("refused", Whole, nullable=False, server_default="0"),
    Column("damaged", Whole, nullable=False, server_default="0"),
    Column("evicted", Whole, nullable=False, server_default="0"),
    keyed=True,
)
