"""Fills the tables of a new copy, each by the quickest way its database has."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Connection, Insert, Select, Table, bindparam, insert, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DataError, IntegrityError

from munshi.errors import CopyRowUnfitError
from munshi.infrastructure.database.copied_rows import (
    Row,
    RowCheck,
    copied_columns,
    copied_tables,
    document_text,
)
from munshi.infrastructure.database.copy_source import BATCH, counted_tables
from munshi.infrastructure.database.ledger_repository import LedgerRepository
from munshi.infrastructure.database.types import Json

Rows = Iterable[Sequence[Row]]
_Spell = Callable[[Any], Any]
_SET_COUNTER = text(
    "SELECT setval(CAST(pg_get_serial_sequence(:quoted, :column) AS regclass), :highest)"
)
_SQLITE_COUNTERS = (
    text("DELETE FROM sqlite_sequence WHERE name = :table"),
    text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)"),
)


class CopyWriter:
    """Within one transaction; nothing is there for anybody else before it commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"

    def write(self, table: Table, batches: Rows) -> Iterator[Sequence[Row]]:
        """Insert the rows and hand each batch on. Raises CopyRowUnfitError."""
        check = RowCheck(table)
        fill = self._insert if self._is_sqlite else self._copy
        seen: list[Row] = []
        try:
            yield from fill(table, _checked(batches, check, seen))
        except (IntegrityError, DataError) as error:
            raise _refused(table, check, seen, error.orig or error) from error
        except self._driver_refusals() as error:
            raise _refused(table, check, seen, error) from error

    def read_back(self, table: Table) -> Iterator[Sequence[Row]]:
        """What was written, with the values of `copied_columns`."""
        streaming = {"stream_results": True, "yield_per": BATCH}
        with self._connection.execute(_reading(table), execution_options=streaming) as rows:
            yield from rows.partitions(BATCH)

    def refuse_orphans(self) -> None:
        """Raises CopyRowUnfitError; SQLite looks for parents only now, PostgreSQL did all along."""
        if not self._is_sqlite:
            return
        orphan = self._connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if orphan is not None:
            raise CopyRowUnfitError(
                f"{orphan[0]}: a row points to one of {orphan[2]} that is not there.",
                hint="Change it in the database that is copied, then copy again.",
            )

    def begin_era(self) -> None:
        """Have the audit trail go on by this server's count: every row must be sealed."""
        ledger = LedgerRepository(self._connection)
        if ledger.is_begun():
            ledger.begin_era()

    def count_on(self, highest: Mapping[str, int]) -> None:
        """Hand out ids above those that were ever handed out before, by table."""
        for table, column in counted_tables().items():
            values = {"table": table.name, "highest": highest[table.name]}
            if not values["highest"]:
                continue
            if self._is_sqlite:
                for statement in _SQLITE_COUNTERS:
                    self._connection.execute(statement, values)
                continue
            names = {"quoted": f'"{table.name}"', "column": column}
            self._connection.execute(_SET_COUNTER, {**names, "highest": highest[table.name]})

    def gather_statistics(self) -> None:
        """Else PostgreSQL plans its first queries as if the tables were empty."""
        if not self._is_sqlite:
            names = ", ".join(f'"{table.name}"' for table in copied_tables())
            self._connection.exec_driver_sql(f"ANALYZE {names}")

    def _insert(self, table: Table, batches: Rows) -> Iterator[Sequence[Row]]:
        statement, spell = str(_inserting(table).compile(dialect=self._dialect)), self._spell(table)
        for batch in batches:
            self._connection.exec_driver_sql(statement, [spell(row) for row in batch])
            yield batch

    def _copy(self, table: Table, batches: Rows) -> Iterator[Sequence[Row]]:
        spell = self._spell(table)
        columns = ", ".join(f'"{column.name}"' for column in copied_columns(table))
        driver: Any = self._connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copying,
        ):
            for batch in batches:
                for row in batch:
                    copying.write_row(spell(row))
                yield batch

    @property
    def _dialect(self) -> Dialect:
        return self._connection.dialect

    def _driver_refusals(self) -> tuple[type[Exception], ...]:
        module: Any = self._dialect.loaded_dbapi
        return module.IntegrityError, module.DataError

    def _spell(self, table: Table) -> Callable[[Row], tuple[Any, ...]]:
        spellers = [_speller(column, self._dialect) for column in copied_columns(table)]
        return lambda row: tuple(
            value if spell is None or value is None else spell(value)
            for spell, value in zip(spellers, row, strict=True)
        )


def _checked(batches: Rows, check: RowCheck, seen: list[Row]) -> Rows:
    """`seen` is the batch that was looked at last."""
    for batch in batches:
        check.refuse_unfit(batch)
        seen[:] = batch
        yield batch


def _refused(
    table: Table, check: RowCheck, seen: Sequence[Row], error: BaseException
) -> CopyRowUnfitError:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    up_to = f" up to {check.key_of(seen[-1])}" if seen else ""
    return CopyRowUnfitError(
        f"{table.name}: the rows{up_to} were refused: {said}.",
        hint="Change them in the database that is copied, then copy again.",
    )


def _speller(column: Column[Any], dialect: Dialect) -> _Spell | None:
    """Into what the driver takes; None where it takes the value as it is."""
    if isinstance(column.type, Json):
        return document_text
    processor: _Spell | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return processor


@lru_cache
def _inserting(table: Table) -> Insert:
    return insert(table).values({each.name: bindparam(each.name) for each in copied_columns(table)})


@lru_cache
def _reading(table: Table) -> Select[Any]:
    return select(*copied_columns(table))
