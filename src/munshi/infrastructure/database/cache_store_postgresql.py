"""The cache on PostgreSQL, by driver SQL on a held connection: a statement for each thing done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from munshi.infrastructure.database.cache_store import NewEntry, Numbers
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.held_connection import HeldConnection

ANSWER_SECONDS = 2.0
# Nothing here has to survive a power cut, and nobody should wait long for a row.
_SETTINGS = {
    "timezone": "'UTC'",
    "plan_cache_mode": "force_generic_plan",
    "synchronous_commit": "off",
    "lock_timeout": "250",
}
_GET = 'SELECT cache_value, change_number FROM "CacheEntries" WHERE cache_key = %s'
# The row of CacheState is held to the end, so that numbers are seen in their order.
_PUT = """WITH fence AS (
  DELETE FROM "CacheLeases" WHERE cache_key = %(key)s AND holder = %(holder)s RETURNING 1),
number AS (
  UPDATE "CacheState" SET entries = entries + 1 WHERE id = 1
  AND (%(holder)s::bigint IS NULL OR EXISTS (SELECT 1 FROM fence) AND NOT EXISTS (
    SELECT 1 FROM "CacheEntries" WHERE cache_key = %(key)s AND change_number <> %(seen)s))
  RETURNING entries),
log AS (
  INSERT INTO "CacheChanges" (change_number, cache_key) SELECT entries, %(key)s FROM number)
INSERT INTO "CacheEntries" (cache_key, namespace, cache_value, codec, size_bytes, compute_ms,
  created_at, expires_at, accessed_at, change_number)
SELECT %(key)s, %(namespace)s, %(value)s, %(codec)s, %(size)s, %(compute_ms)s::float8,
  %(created)s::timestamptz, %(expires)s::timestamptz, %(created)s::timestamptz, number.entries
FROM number
ON CONFLICT (cache_key) DO UPDATE SET namespace = excluded.namespace,
  cache_value = excluded.cache_value, codec = excluded.codec, size_bytes = excluded.size_bytes,
  compute_ms = excluded.compute_ms, created_at = excluded.created_at,
  expires_at = excluded.expires_at, accessed_at = excluded.accessed_at,
  change_number = excluded.change_number
RETURNING change_number"""
_DELETE = """WITH fence AS (DELETE FROM "CacheLeases" WHERE cache_key = %(key)s),
number AS (UPDATE "CacheState" SET entries = entries + 1 WHERE id = 1 RETURNING entries),
log AS (
  INSERT INTO "CacheChanges" (change_number, cache_key) SELECT entries, %(key)s FROM number)
DELETE FROM "CacheEntries" WHERE cache_key = %(key)s AND EXISTS (SELECT 1 FROM number)"""
_NUMBERS = """SELECT '', entries, tags FROM "CacheState" UNION ALL
SELECT table_name, sum(changes)::bigint, 0 FROM "CacheTableChanges" GROUP BY table_name"""
_CHANGED = """SELECT change_number, cache_key FROM "CacheChanges" WHERE change_number > %s
ORDER BY change_number LIMIT %s"""
_TAGS = 'SELECT tag, version FROM "CacheTags" WHERE version > %s'
_TAKE = """INSERT INTO "CacheLeases" AS lease (cache_key, holder, expires_at)
VALUES (%(key)s, %(holder)s, %(until)s)
ON CONFLICT (cache_key) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE lease.expires_at <= %(now)s OR lease.expires_at > %(far)s RETURNING holder"""
_RENEW = """UPDATE "CacheLeases" AS lease SET expires_at = %(until)s
FROM unnest(%(keys)s::text[], %(holders)s::bigint[]) AS mine (cache_key, holder)
WHERE lease.cache_key = mine.cache_key AND lease.holder = mine.holder"""
_DROP = 'DELETE FROM "CacheLeases" WHERE cache_key = %s AND holder = %s'


class PostgresqlCacheStore:
    """One connection for all threads; each statement is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = HeldConnection(database, self._open)

    def get_entry(self, key: str) -> tuple[bytes, int] | None:
        with self._held.used() as connection:
            row: tuple[bytes, int] | None = connection.execute(
                _GET, (key,), prepare=True, binary=True
            ).fetchone()
        return row

    def put_entry(self, entry: NewEntry) -> int | None:
        values = {
            "key": entry.key,
            "namespace": entry.namespace,
            "value": entry.value,
            "codec": entry.codec,
            "size": entry.size,
            "compute_ms": entry.compute_ms,
            "created": entry.created_at,
            "expires": entry.expires_at,
            "holder": entry.holder,
            "seen": entry.seen,
        }
        with self._held.used() as connection:
            row = connection.execute(_PUT, values, prepare=True).fetchone()
        return None if row is None else int(row[0])

    def delete_entry(self, key: str) -> None:
        with self._held.used() as connection:
            connection.execute(_DELETE, {"key": key}, prepare=True)

    def get_numbers(self) -> Numbers:
        with self._held.used() as connection:
            (_, entries, tags), *tables = connection.execute(_NUMBERS, prepare=True).fetchall()
        return Numbers(entries, tags, {name: changes for name, changes, _ in tables})

    def list_changed(self, since: int, *, limit: int) -> Sequence[tuple[int, str]]:
        with self._held.used() as connection:
            rows: list[tuple[int, str]] = connection.execute(
                _CHANGED, (since, limit), prepare=True
            ).fetchall()
        return rows

    def list_tags(self, since: int) -> Sequence[tuple[str, int]]:
        with self._held.used() as connection:
            rows: list[tuple[str, int]] = connection.execute(
                _TAGS, (since,), prepare=True
            ).fetchall()
        return rows

    def take_lease(self, key: str, holder: int, *, now: datetime, until: datetime) -> bool:
        far = until + 2 * (until - now)
        values = {"key": key, "holder": holder, "now": now, "until": until, "far": far}
        with self._held.used() as connection:
            return connection.execute(_TAKE, values, prepare=True).fetchone() is not None

    def renew_leases(self, leases: Mapping[str, int], *, until: datetime) -> None:
        values = {"until": until, "keys": list(leases), "holders": list(leases.values())}
        with self._held.used() as connection:
            connection.execute(_RENEW, values)

    def drop_lease(self, key: str, holder: int) -> None:
        with self._held.used() as connection:
            connection.execute(_DROP, (key, holder), prepare=True)

    def close(self) -> None:
        self._held.close()

    def _open(self) -> Any:  # noqa: ANN401 - a driver's connection
        connection = self._database.driver_connection(answer_seconds=ANSWER_SECONDS)
        connection.autocommit = True
        for setting, value in _SETTINGS.items():
            connection.execute(f"SET {setting} = {value}")
        return connection
