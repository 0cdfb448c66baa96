"""The cache on SQLite, by driver SQL on two held connections: readers wait for no writer."""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from munshi.infrastructure.database.cache_store import NewEntry, Numbers
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.types import to_text

BUSY_MS = 250
_GET = 'SELECT cache_value, change_number FROM "CacheEntries" WHERE cache_key = ?'
_PUT = """INSERT INTO "CacheEntries" (cache_key, namespace, cache_value, codec, size_bytes,
compute_ms, created_at, expires_at, accessed_at, change_number)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?9)
ON CONFLICT (cache_key) DO UPDATE SET namespace = ?2, cache_value = ?3, codec = ?4,
size_bytes = ?5, compute_ms = ?6, created_at = ?7, expires_at = ?8, accessed_at = ?7,
change_number = ?9"""
_PUT_UNCHANGED = f"{_PUT} WHERE change_number = ?10"
_DELETE = 'DELETE FROM "CacheEntries" WHERE cache_key = ?'
# Another number whenever another connection, also of this process, has committed anything.
_VERSION = "PRAGMA data_version"
_NUMBERS = """SELECT '', tags FROM "CacheState" UNION ALL
SELECT table_name, sum(changes) FROM "CacheTableChanges" GROUP BY table_name"""
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
        self.opened = 0
        self.execute: Callable[[str, tuple[object, ...]], sqlite3.Cursor] = self._execute

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
            self.opened += 1
            self.execute = opened.execute
        return self._connection

    def drop(self) -> None:
        held, self._connection = self._connection, None
        self.execute = self._execute
        if held is not None:
            with self._database.translating(quietly=True):
                if held.in_transaction:
                    held.rollback()
                held.close()

    def close(self) -> None:
        with self.lock:
            self.drop()

    def _execute(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        return self.open().execute(statement, values)


class SqliteCacheStore:
    """Not durable: what a power cut takes back is worked out again."""

    def __init__(self, database: Database) -> None:
        self._reader = _Held(database)
        self._writer = _Held(database)
        self._database = database

    def get_entry(self, key: str) -> tuple[bytes, int] | None:
        reader = self._reader
        with reader.lock:
            try:
                row: tuple[bytes, int] | None = reader.execute(_GET, (key,)).fetchone()
            except BaseException as error:
                reader.drop()
                with self._database.translating():
                    raise error  # noqa: TRY201 - as what it means here
        return row

    def put_entry(self, entry: NewEntry) -> int | None:
        number = random.getrandbits(62) + 1
        values = (
            entry.key,
            entry.namespace,
            entry.value,
            entry.codec,
            entry.size,
            entry.compute_ms,
            to_text(entry.created_at),
            to_text(entry.expires_at),
            number,
        )
        writer = self._writer
        if entry.holder is not None:
            with writer.working() as connection:
                return number if _put_under_lease(connection, entry, values) else None
        with writer.lock:
            try:
                writer.execute(_PUT, values)
            except BaseException as error:
                writer.drop()
                with self._database.translating():
                    raise error  # noqa: TRY201 - as what it means here
        return number

    def delete_entry(self, key: str) -> None:
        with self._writer.working() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in (_FENCE, _DELETE):
                connection.execute(statement, (key,))
            connection.execute("COMMIT")

    def get_numbers(self) -> Numbers:
        reader = self._reader
        with reader.working() as connection:
            [(version,)] = connection.execute(_VERSION).fetchall()
            (_, tags), *tables = connection.execute(_NUMBERS).fetchall()
        # A connection that was opened anew counts anew.
        return Numbers((reader.opened << 32) + version, tags, dict(tables))

    def list_changed(self, since: int, *, limit: int) -> None:  # noqa: ARG002 - nobody keeps a list
        return None

    def list_tags(self, since: int) -> Sequence[tuple[str, int]]:
        with self._reader.working() as connection:
            rows: list[tuple[str, int]] = connection.execute(_TAGS, (since,)).fetchall()
        return rows

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


def _put_under_lease(
    connection: sqlite3.Connection, entry: NewEntry, values: tuple[object, ...]
) -> bool:
    connection.execute("BEGIN IMMEDIATE")
    is_mine = connection.execute(_DROP, (entry.key, entry.holder)).rowcount
    is_put = is_mine and connection.execute(_PUT_UNCHANGED, (*values, entry.seen)).rowcount
    connection.execute("COMMIT")
    return bool(is_put)
