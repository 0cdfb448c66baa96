"""Connections as each database needs them, and the one way to open a transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from munshi.errors import DatabaseUnreachableError, TransactionNestedError, TransactionOpenError
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.vault import Vault

BUSY_TIMEOUT_MS = 30_000
_WRITES = "munshi_writes"


def make_engine(url: URL, *, pool_size: int = 5, durable: bool = True) -> Engine:
    """An engine that connects on first use.

    `durable` is SQLite's `synchronous=FULL`; without it (NORMAL) the last commits may be lost
    when the power goes, which only heartbeats and progress may risk.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=pool_size, max_overflow=-1)
        _prepare_sqlite(engine, synchronous="FULL" if durable else "NORMAL")
        return engine
    return create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, pool_timeout=15
    )


def _prepare_sqlite(engine: Engine, *, synchronous: str) -> None:
    def connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")

    def begin(connection: Connection) -> None:
        # A deferred transaction that reads first cannot be upgraded once another has written.
        writes = connection.get_execution_options().get(_WRITES, True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)


class Database:
    """One database: short transactions, never nested."""

    def __init__(self, url: URL, *, pool_size: int = 5) -> None:
        self.url = url
        self.engine = make_engine(url, pool_size=pool_size)
        self._reader = self.engine.execution_options(**{_WRITES: False})
        self._quick = (
            make_engine(url, pool_size=2, durable=False)
            if url.get_backend_name() == "sqlite"
            else self.engine
        )
        self._vault: Vault | None = None
        self._open: ContextVar[bool] = ContextVar("munshi_transaction_open", default=False)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    def unlock(self, vault: Vault) -> None:
        """Give repositories the vault; without it no secret can be read or written."""
        self._vault = vault

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Write; everything commits at the end or nothing does. Durable."""
        with self._begin(self.engine) as transaction:
            yield transaction

    @contextmanager
    def operational(self) -> Iterator[Transaction]:
        """Write what may be lost in a power cut: heartbeats, progress."""
        with self._begin(self._quick) as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Read one consistent state."""
        with self._begin(self._reader) as transaction:
            yield transaction

    @contextmanager
    def _begin(self, engine: Engine) -> Iterator[Transaction]:
        if self._open.get():
            raise TransactionNestedError("A transaction was opened inside another one.")
        token = self._open.set(True)
        try:
            with self._connected(engine) as connection, connection.begin():
                yield Transaction(connection, self._vault)
        finally:
            self._open.reset(token)

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise unreachable(self.url, error) from None
        with connection:
            yield connection

    def refuse_in_transaction(self) -> None:
        """The guard that broker clients call first.

        Raises TransactionOpenError: nothing slow is asked while a transaction is open.
        """
        if self._open.get():
            raise TransactionOpenError("A broker was asked while a transaction was open.")

    def close(self) -> None:
        self.engine.dispose()
        self._quick.dispose()


def unreachable(url: URL, error: DBAPIError) -> DatabaseUnreachableError:
    """`error` as one sentence without the password."""
    place = url.set(password=None, username=None).render_as_string()
    cause = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
    if url.password:
        cause = cause.replace(str(url.password), "…")
    return DatabaseUnreachableError(
        f"The database {place} cannot be reached: {cause}",
        hint="Check MUNSHI_DATABASE_URL and that the server runs.",
    )
