"""Which way to the cache a database has."""

from munshi.infrastructure.database.cache_store import CacheStore
from munshi.infrastructure.database.cache_store_core import CoreCacheStore
from munshi.infrastructure.database.cache_store_postgresql import PostgresqlCacheStore
from munshi.infrastructure.database.cache_store_sqlite import SqliteCacheStore
from munshi.infrastructure.database.engine import Database


def open_cache_store(database: Database) -> CacheStore:
    """The way of this database; connects on first use."""
    if database.dialect == "sqlite":
        return SqliteCacheStore(database)
    if database.dialect == "postgresql":
        return PostgresqlCacheStore(database)
    return CoreCacheStore(database)
