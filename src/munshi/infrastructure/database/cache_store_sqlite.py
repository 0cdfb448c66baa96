"""The cache on SQLite, by driver SQL on two held connections: readers wait for no writer."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from munshi.infrastructure.database.cache_store import NewEntry, Numbers, StoredEntry
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.types import to_text

BUSY_MS = 250
_GET = """SELECT cache_value, codec, checksum, fresh_until, expires_at, compute_ms, tags,
tags_seen, tables_seen, change_number FROM "CacheEntries" WHERE cache_key = ?"""
_COUNT = 'UPDATE "CacheState" SET entries = entries + 1 WHERE id = 1 RETURNING entries'
_PUT = """INSERT INTO "CacheEntries" (cache_key, namespace, cache_value, codec, size_bytes,
compute_ms, created_at, expires_at, fresh_until, accessed_at, checksum, change_number, tags,
tags_seen, tables_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?7, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT (cache_key) DO UPDATE SET namespace = ?2, cache_value = ?3, codec = ?4,
size_bytes = ?5, compute_ms = ?6, created_at = ?7, expires_at = ?8, fresh_until = ?9,
accessed_at = ?7, checksum = ?10, change_number = ?11, tags = ?12, tags_seen = ?13,
tables_seen = ?14"""
_NUMBERS = """SELECT '', entries, tags FROM "CacheState" UNION ALL
SELECT table_name, sum(changes), 0 FROM "CacheTableChanges" GROUP BY table_name"""
_CHANGED = """SELECT cache_key, change_number FROM "CacheEntries" WHERE change_number > ?
ORDER BY change_number LIMIT ?"""
_TAGS = 'SELECT tag, version FROM "CacheTags" WHERE version > ?'
_TAKE = """INSERT INTO "CacheLeases" (cache_key, holder, expires_at) VALUES (?1, ?2, ?4)
ON CONFLICT (cache_key) DO UPDATE SET holder = ?2, expires_at = ?4
WHERE expires_at <= ?3 OR expires_at > ?5 RETURNING holder"""
_RENEW = 'UPDATE "CacheLeases" SET expires_at = ? WHERE cache_key = ? AND holder = ?'
_DROP = 'DELETE FROM "CacheLeases" WHERE cache_key = ? AND holder = ?'
_FENCE = 'DELETE FROM "CacheLeases" WHERE cache_key = ?'


class _Held:
    """A connection that stays open, for one thread at a time; opened anew after any error."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self.lock = threading.Lock()

    @contextmanager
    def working(self) -> Iterator[sqlite3.Connection]:
        with self.lock:
            try:
                with self._database.translating():
                    yield self.open()
            except BaseException:
                self.drop()
                raise

    def open(self) -> sqlite3.Connection:
        if self._connection is None:
            opened = self._database.driver_connection()
            if not isinstance(opened, sqlite3.Connection):
                raise TypeError(f"{self._database.dialect} is not SQLite")
            opened.execute("PRAGMA synchronous = NORMAL")
            opened.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._connection = opened
        return self._connection

    def drop(self) -> None:
        held, self._connection = self._connection, None
        if held is not None:
            with self._database.translating(quietly=True):
                if held.in_transaction:
                    held.rollback()
                held.close()

    def close(self) -> None:
        with self.lock:
            self.drop()


class SqliteCacheStore:
    """Not durable: what a power cut takes back is worked out again."""

    def __init__(self, database: Database) -> None:
        self._reader = _Held(database)
        self._writer = _Held(database)
        self._database = database

    def get_entry(self, key: str) -> StoredEntry | None:
        reader = self._reader
        with reader.lock:
            try:
                row = reader.open().execute(_GET, (key,)).fetchone()
            except BaseException as error:
                reader.drop()
                return self._raise(error)
        if row is None:
            return None
        value, codec, checksum, fresh, expires, *others = row
        read = datetime.fromisoformat
        good = read(expires)
        return StoredEntry(value, codec, checksum, read(fresh) if fresh else good, good, *others)

    def put_entry(self, entry: NewEntry) -> int | None:
        values = (
            entry.key,
            entry.namespace,
            entry.value,
            entry.codec,
            len(entry.value),
            entry.compute_ms,
            to_text(entry.created_at),
            to_text(entry.expires_at),
            to_text(entry.fresh_until),
            entry.checksum,
        )
        seen = entry.tags, entry.tags_seen, entry.tables_seen
        with self._writer.working() as connection:
            execute = connection.execute
            execute("BEGIN IMMEDIATE")
            if entry.holder is None:
                execute(_FENCE, (entry.key,))
            elif not execute(_DROP, (entry.key, entry.holder)).rowcount:
                execute("ROLLBACK")
                return None
            [(change,)] = execute(_COUNT).fetchall()
            execute(_PUT, (*values, change, *seen))
            execute("COMMIT")
        return int(change)

    def get_numbers(self) -> Numbers:
        with self._reader.working() as connection:
            (_, entries, tags), *tables = connection.execute(_NUMBERS).fetchall()
        return Numbers(entries, tags, {name: changes for name, changes, _ in tables})

    def list_changed(self, since: int, *, limit: int) -> Sequence[tuple[str, int]]:
        return self._read(lambda held: held.execute(_CHANGED, (since, limit)).fetchall())

    def list_tags(self, since: int) -> Sequence[tuple[str, int]]:
        return self._read(lambda held: held.execute(_TAGS, (since,)).fetchall())

    def take_lease(self, key: str, holder: int, *, now: datetime, until: datetime) -> bool:
        values = key, holder, to_text(now), to_text(until), to_text(until + 2 * (until - now))
        with self._writer.working() as connection:
            return bool(connection.execute(_TAKE, values).fetchall())

    def renew_leases(self, leases: Mapping[str, int], *, until: datetime) -> None:
        rows = [(to_text(until), key, holder) for key, holder in sorted(leases.items())]
        with self._writer.working() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_RENEW, rows)
            connection.execute("COMMIT")

    def drop_lease(self, key: str, holder: int) -> None:
        with self._writer.working() as connection:
            connection.execute(_DROP, (key, holder))

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def _read(
        self, ask: Callable[[sqlite3.Connection], list[tuple[str, int]]]
    ) -> list[tuple[str, int]]:
        with self._reader.working() as connection:
            return ask(connection)

    def _raise(self, error: BaseException) -> None:
        with self._database.translating():
            raise error
