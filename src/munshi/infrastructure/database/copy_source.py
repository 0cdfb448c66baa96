"""Reads a whole database as one state, while nobody may write to it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select, text
from sqlalchemy.exc import OperationalError

from munshi.errors import DatabaseInUseError
from munshi.infrastructure.database.copied_rows import copied_columns, copied_tables
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.ledger_repository import LedgerRepository
from munshi.infrastructure.database.server_connection import patience

BATCH = 1000
_LOCK_NOT_AVAILABLE = "55P03"
_PATIENT = (
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL lock_timeout = 5000",
)
_SQLITE_COUNTER = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_POSTGRESQL_COUNTER = text(
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:quoted, :column) AS regclass))"
)


class CopySource:
    """One state of a database; the rows come in batches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"

    def count_unsealed(self) -> int:
        """Audit rows that stand in no block of the ledger yet."""
        ledger = LedgerRepository(self._connection)
        if not ledger.is_begun():
            return self.count(_named("AuditLogs"))
        return ledger.count_unsealed(ledger.get_head()[1])[0]

    def count(self, table: Table) -> int:
        return int(self._connection.execute(_counting(table)).scalar_one())

    def batches(self, table: Table) -> Iterator[Sequence[Any]]:
        """Rows with the values of `copied_columns`, as Python has them."""
        streaming = {"stream_results": True, "yield_per": BATCH}
        with self._connection.execute(_reading(table), execution_options=streaming) as rows:
            yield from rows.partitions(BATCH)

    def highest_ids(self) -> dict[str, int]:
        """For each table whose key the database counts: the highest that was ever handed out."""
        found = {}
        for table, column in counted_tables().items():
            known = self._connection.execute(_highest(table)).scalar_one()
            found[table.name] = max(known, self._counter(table.name, column))
        return found

    def _counter(self, table: str, column: str) -> int:
        if self._is_sqlite:
            asked = self._connection.execute(_SQLITE_COUNTER, {"table": table})
        else:
            names = {"quoted": f'"{table}"', "column": column}
            asked = self._connection.execute(_POSTGRESQL_COUNTER, names)
        return int(asked.scalar_one_or_none() or 0)


@contextmanager
def reading_alone(database: Database) -> Iterator[CopySource]:
    """Let nobody write until the block ends, however long it takes; readers go on.

    Raises DatabaseInUseError if somebody writes and does not come to an end.
    """
    with patience(None), database.connected() as connection:
        if database.dialect == "sqlite":
            with connection.begin():  # takes the one writer's place
                yield CopySource(connection)
            return
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            _lock_all(connection)
            yield CopySource(connection)


def _lock_all(connection: Connection) -> None:
    """Before the first query, so that its snapshot has all that was committed."""
    for statement in _PATIENT:
        connection.exec_driver_sql(statement)
    names = ", ".join(f'"{table.name}"' for table in copied_tables())
    try:
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise DatabaseInUseError(
            "Somebody writes to this database and does not come to an end.",
            hint="Stop every munshi process of this database, then copy again.",
        ) from None


@lru_cache
def counted_tables() -> dict[Table, str]:
    """Tables whose key the database hands out, with that key's name."""
    return {
        table: column.name
        for table in copied_tables()
        for column in table.primary_key.columns
        if column.identity is not None
    }


def _named(name: str) -> Table:
    return next(table for table in copied_tables() if table.name == name)


@lru_cache
def _reading(table: Table) -> Select[Any]:
    return select(*copied_columns(table))


@lru_cache
def _counting(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table)


@lru_cache
def _highest(table: Table) -> Select[Any]:
    return select(func.coalesce(func.max(table.c[counted_tables()[table]]), 0))
