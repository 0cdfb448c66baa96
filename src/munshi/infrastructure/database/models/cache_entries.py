"""CacheEntries: answers worth keeping for a while, and what says that one is not good any more."""

from sqlalchemy import CheckConstraint, Column

from munshi.infrastructure.database.models.base import position, table
from munshi.infrastructure.database.types import Day, Instant, Name, Octets, Real, Whole

# There is no index but the key's: each would cost a third of what writing an entry does. The value
# begins with a few bytes by which a reader judges it (src/munshi/cache/frames.py), so that one
# small read is enough; the other columns are for people, procedures and the sweep. Each write gives
# a row another `change_number`.
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
    Column("accessed_at", Instant),
    Column("change_number", Whole, nullable=False, server_default="0"),
)

# On servers: which entries were written or deleted lately, in the order in which it can be seen,
# without gaps. SQLite tells by itself that anything was written, and there rows are compared.
cache_changes = table(
    "CacheChanges",
    Column("change_number", Whole, primary_key=True, autoincrement=False),
    Column("cache_key", Name(200), nullable=False),
)

# `entries` is the newest number of CacheChanges: whoever counts it up holds the row until the
# commit. `tags` is that of the tag that was invalidated last.
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

# A desk that is copied works out its answers again. The change numbers are each database's own
# count, and its triggers go on counting while the other tables are filled.
REMADE = (cache_entries, cache_changes, cache_state, cache_tags, cache_table_changes, cache_leases)
