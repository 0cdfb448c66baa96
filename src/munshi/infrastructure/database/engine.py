"""Connections as each database needs them, and the one way to open a transaction."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from munshi.errors import DatabaseUnreachableError, TransactionNestedError, TransactionOpenError
from munshi.infrastructure.database.server_connection import (
    ANSWER_SECONDS,
    patience,
    prepare_postgresql,
)
from munshi.infrastructure.database.sqlite_looking import looking_engine
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.vault import Vault

BUSY_TIMEOUT_MS = 30_000
HELD_BUSY_TIMEOUT_MS = 250
# SQLite calls a wrong statement an operational error too; these codes are of our own making.
_OWN_FAULTS = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_MISUSE,
    sqlite3.SQLITE_RANGE,
}
_RESTORE = "Stop Munshi and restore the last backup into an empty home: munshi backup restore FILE"
_SQLITE_TROUBLES = {
    sqlite3.SQLITE_FULL: (
        "has no room left",
        "Free space on its disk; what was stored is whole, and work goes on by itself.",
    ),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "Check its disk."),
    sqlite3.SQLITE_BUSY: (
        "is kept busy by another writer",
        "See which program writes to it for so long, and stop that.",
    ),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: ("is no SQLite database", _RESTORE),
    sqlite3.SQLITE_READONLY: ("may not be written", "Check the permissions of the file."),
}
_WRITES = "munshi_writes"
# A SQLite transaction sees one state anyway; SQL Server's would lock, so it stays as it is.
_READING: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {_WRITES: False},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "mssql": {},
}


def make_engine(
    url: URL, *, pool_size: int = 5, durable: bool = True, read_only: bool = False
) -> Engine:
    """An engine that connects on first use.

    `durable` is SQLite's `synchronous=FULL`; without it (NORMAL) the last commits may be lost
    when the power goes, which only heartbeats and progress may risk. `read_only` changes nothing,
    not even the files beside a SQLite database.
    """
    # Parameters never stand in an error's text: they may be a person's.
    if url.get_backend_name() == "sqlite":
        if read_only:
            return looking_engine(url)
        engine = create_engine(url, pool_size=pool_size, max_overflow=-1, hide_parameters=True)
        _prepare_sqlite(engine, synchronous="FULL" if durable else "NORMAL")
        return engine
    try:
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=15,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnreachableError(
            f"The database driver {error.name} is not installed.",
            hint="Run: pip install 'munshi[mssql]'",
        ) from None
    if url.get_backend_name() == "postgresql":
        prepare_postgresql(engine, read_only=read_only)
    return engine


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
    """One database: short transactions, never nested. `read_only` is for who only looks."""

    def __init__(self, url: URL, *, pool_size: int = 5, read_only: bool = False) -> None:
        self.url = url
        self.engine = make_engine(url, pool_size=pool_size, read_only=read_only)
        # Whoever keeps jobs alive must not wait until those who serve people have a place free.
        self._quick = make_engine(url, pool_size=2, durable=False, read_only=read_only)
        reading = _READING[url.get_backend_name()]
        self._reader = self.engine.execution_options(**reading)
        self._observer = self._quick.execution_options(**reading)
        self._driver: Any = self.engine.dialect.loaded_dbapi
        self._vault: Vault | None = None
        self._open: ContextVar[bool] = ContextVar("munshi_transaction_open", default=False)
        self._held: sqlite3.Connection | None = None
        self._held_lock = Lock()

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
    def observing(self) -> Iterator[Transaction]:
        """`reading`, for those who write by `operational`."""
        with self._begin(self._observer) as transaction:
            yield transaction

    @contextmanager
    def _begin(self, engine: Engine) -> Iterator[Transaction]:
        if self._open.get():
            raise TransactionNestedError("A transaction was opened inside another one.")
        token = self._open.set(True)
        try:
            with self.connected(engine) as connection, connection.begin():
                transaction = Transaction(connection, self._vault)
                yield transaction
        finally:
            self._open.reset(token)
        transaction.committed()

    @contextmanager
    def connected(self, engine: Engine | None = None) -> Iterator[Connection]:
        """A bare connection.

        Raises DatabaseUnreachableError when the database cannot be reached, is lost meanwhile or
        stays busy with another writer.
        """
        with self.translating(), (engine or self.engine).connect() as connection:
            yield connection

    @contextmanager
    def translating(self, *, quietly: bool = False) -> Iterator[None]:
        """Turn what any driver says of a lost database into DatabaseUnreachableError.

        `quietly` drops it, where a connection is only being put away.
        """
        try:
            yield
        except (DBAPIError, PoolTimeoutError, self._driver.Error) as error:
            if not _is_lost(error, self._driver):
                raise
            if not quietly:
                raise _unreachable(self.url, error) from error

    def driver_connection(self, *, answer_seconds: float = ANSWER_SECONDS) -> Any:  # noqa: ANN401 - the driver's own
        """A prepared connection of the driver's that no pool knows; the caller closes it.

        PostgreSQL may take `answer_seconds` for each answer.
        """
        with patience(answer_seconds):
            pooled = self.engine.raw_connection()
        connection = pooled.driver_connection
        pooled.detach()
        return connection

    def fetch_held(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Rows of a driver statement, on a SQLite connection that stays open for such reads.

        For what every status call looks up: the way through pool and transaction costs ten times
        the query. Raises DatabaseUnreachableError.
        """
        with self._held_lock:
            try:
                if self._held is None:
                    self._held = self._hold()
                return self._held.execute(statement, parameters).fetchall()
            except (DBAPIError, sqlite3.Error) as error:
                self._let_go()
                if not _is_lost(error, self._driver):
                    raise
                raise _unreachable(self.url, error) from error

    def _hold(self) -> sqlite3.Connection:
        connection = self.driver_connection()
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"{self.dialect} connections are not held")
        # Its readers may be an event loop, and in WAL mode nothing but a fault makes them wait.
        connection.execute(f"PRAGMA busy_timeout = {HELD_BUSY_TIMEOUT_MS}")
        return connection

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    @property
    def is_in_transaction(self) -> bool:
        """Whether the caller has one open."""
        return self._open.get()

    def refuse_in_transaction(self, what: str = "A broker was asked") -> None:
        """The guard that broker clients, and whatever else may be slow, call first.

        Raises TransactionOpenError, which says `what` was done.
        """
        if self._open.get():
            raise TransactionOpenError(f"{what} while a transaction was open.")

    def close(self) -> None:
        with self._held_lock:
            self._let_go()
        self.engine.dispose()
        self._quick.dispose()


def _is_lost(error: Exception, driver: Any) -> bool:  # noqa: ANN401 - a driver is a module
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
        return code & 0xFF not in _OWN_FAULTS
    lost = OperationalError, InterfaceError, PoolTimeoutError
    return isinstance(error, (*lost, driver.OperationalError, driver.InterfaceError))


def _unreachable(url: URL, error: Exception) -> DatabaseUnreachableError:
    """`error` as one sentence without user and password, and what may mend it."""
    place = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()
    said = cause[0] if cause else type(error).__name__
    for secret in (url.password, url.query.get("password")):
        if secret:
            said = said.replace(str(secret), "…")
    trouble, hint = _trouble(error)
    return DatabaseUnreachableError(f"The database {place} {trouble}: {said}.", hint=hint)


def _trouble(error: Exception) -> tuple[str, str]:
    if isinstance(error, PoolTimeoutError):
        return (
            "was not asked, because every connection of this process is in use",
            "Raise MUNSHI_DATABASE_POOL_SIZE if that lasts.",
        )
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
    return _SQLITE_TROUBLES.get(
        code, ("cannot be reached", "Check MUNSHI_DATABASE_URL and that the server runs.")
    )
