"""Tables of an old install, read as they are: whatever columns they have, whatever stands there."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from munshi.domain.legacy import LEGACY_PREFIX
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.revision import foreign_tables, read_revision

PAGE = 500
_LONGEST_KEY = 100
_POSITION = "munshi_position"
_NO_ROWID = "no such column"  # a table WITHOUT ROWID has a primary key instead


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyTable:
    """A table of an old install, before or after it was renamed.

    `stands_for` is the name of ours that it had; `columns` are as the database spells them.
    """

    name: str
    stands_for: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: int

    @property
    def kept_as(self) -> str:
        return self.name if self.is_renamed else LEGACY_PREFIX + self.name

    @property
    def is_renamed(self) -> bool:
        return self.name.lower().startswith(LEGACY_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyRow:
    """One row by lower-case column names. `key` tells it from all others, and stays the same.

    Values are what the driver gives, on PostgreSQL text: a date that cannot be is no error here.
    """

    key: str
    values: dict[str, Any] = field(repr=False)


def list_legacy_tables(database: Database) -> list[LegacyTable]:
    """Those that were renamed before and those that are to be, by the name of ours they had."""
    ours = {name.lower(): name for name in metadata.tables}
    with database.connected() as connection:
        inspector = inspect(connection)
        foreign = set(foreign_tables(connection))
        found = []
        for name in sorted(inspector.get_table_names()):
            plain = name.lower().removeprefix(LEGACY_PREFIX)
            if name in foreign or (plain != name.lower() and plain in ours):
                columns = tuple(str(column["name"]) for column in inspector.get_columns(name))
                key = inspector.get_pk_constraint(name)["constrained_columns"]
                quoted = _quoted(connection, name)
                rows = connection.exec_driver_sql(f"SELECT COUNT(*) FROM {quoted}").scalar_one()
                found.append(
                    LegacyTable(
                        name=name,
                        stands_for=ours[plain],
                        columns=columns,
                        key=tuple(key),
                        rows=int(rows),
                    )
                )
    return found


def is_ours(database: Database) -> bool:
    """Whether the database has any revision of ours."""
    with database.connected() as connection:
        return read_revision(connection) is not None


def read_pages(
    database: Database, table: LegacyTable, *, size: int = PAGE
) -> Iterator[list[LegacyRow]]:
    """All rows, `size` at a time, always in the same order; each page in a transaction of its own.

    Rows without a primary key are told apart by what is in them, and equal ones are counted.
    """
    pager = _Pager(table, size=size)
    seen: dict[str, int] = {}
    while True:
        with database.reading() as tx, _lenient(tx.connection):
            rows = pager.next(tx.connection)
        if rows:
            yield [_to_row(row, table, seen) for row in rows]
        if len(rows) < size:
            return


class _Pager:
    """Goes on behind the last row by a key where there is one, else by counting."""

    def __init__(self, table: LegacyTable, *, size: int) -> None:
        self._table = table
        self._size = size
        self._after: Any = None
        self._done = 0
        self._by_position = True

    def next(self, connection: Connection) -> Sequence[dict[str, Any]]:
        if connection.dialect.name == "sqlite" and self._by_position:
            try:
                return self._behind(connection, "_rowid_")
            except OperationalError as error:
                if _NO_ROWID not in str(error):
                    raise
                self._by_position = False
        if connection.dialect.name != "sqlite" and len(self._table.key) == 1:
            return self._behind(connection, _bare(connection, self._table.key[0]))
        return self._counted(connection)

    def _behind(self, connection: Connection, key: str) -> Sequence[dict[str, Any]]:
        # The name alone would mean the text that it is read as, and 1000 stands before 2 there.
        key = f"{_bare(connection, self._table.name)}.{key}"
        where = "" if self._after is None else f"WHERE {key} > :after"
        statement = self._select(connection, f"{key} AS {_POSITION}", where, f"ORDER BY {key}")
        rows = self._fetch(connection, statement, {"after": self._after, "size": self._size})
        if rows:
            self._after = rows[-1][_POSITION]
        return [{name: row[name] for name in row if name != _POSITION} for row in rows]

    def _counted(self, connection: Connection) -> Sequence[dict[str, Any]]:
        quoted = _bare(connection, self._table.name)
        order = {"postgresql": rf"{quoted}\:\:text", "mssql": "%%physloc%%"}.get(
            connection.dialect.name, ", ".join(_bare(connection, key) for key in self._table.key)
        )
        statement = self._select(connection, None, "", f"ORDER BY {order}", is_counted=True)
        rows = self._fetch(connection, statement, {"done": self._done, "size": self._size})
        self._done += len(rows)
        return rows

    def _select(
        self,
        connection: Connection,
        first: str | None,
        where: str,
        order: str,
        *,
        is_counted: bool = False,
    ) -> str:
        columns = [_column(connection, name) for name in self._table.columns]
        listed = ", ".join([first, *columns] if first else columns)
        quoted = _bare(connection, self._table.name)
        if connection.dialect.name == "mssql":
            skipped = ":done" if is_counted else "0"
            end = f"OFFSET {skipped} ROWS FETCH NEXT :size ROWS ONLY"
        else:
            end = "LIMIT :size OFFSET :done" if is_counted else "LIMIT :size"
        return f"SELECT {listed} FROM {quoted} {where} {order} {end}"

    def _fetch(
        self, connection: Connection, statement: str, values: dict[str, Any]
    ) -> Sequence[dict[str, Any]]:
        bound = {name: value for name, value in values.items() if f":{name}" in statement}
        return [dict(row) for row in connection.execute(text(statement), bound).mappings()]


def _column(connection: Connection, name: str) -> str:
    quoted = _bare(connection, name)
    return (
        f"CAST({quoted} AS TEXT) AS {quoted}" if connection.dialect.name == "postgresql" else quoted
    )


def _bare(connection: Connection, name: str) -> str:
    """Quoted, for a statement in which a colon begins a value."""
    return _quoted(connection, name).replace(":", r"\:")


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


@contextmanager
def _lenient(connection: Connection) -> Iterator[None]:
    """Text that is no UTF-8 is read with marks in it: SQLite stores whatever it was given."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.text_factory = _decoded
    try:
        yield
    finally:
        driver.text_factory = str


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _to_row(row: dict[str, Any], table: LegacyTable, seen: dict[str, int]) -> LegacyRow:
    values = {name.lower(): value for name, value in row.items()}
    key = [values[name.lower()] for name in table.key]
    if key and None not in key:
        spelt = "/".join(_spelt(value) for value in key)
        if len(spelt) > _LONGEST_KEY or spelt.startswith("sha256:"):
            spelt = f"sha256:{_digest([spelt])}"
        return LegacyRow(key=spelt, values=values)
    digest = _digest([f"{name}={_spelt(value)}" for name, value in sorted(values.items())])
    seen[digest] = seen.get(digest, 0) + 1
    return LegacyRow(key=f"sha256:{digest}/{seen[digest]}", values=values)


def _digest(parts: Sequence[str]) -> str:
    joined = b"".join(
        len(part := each.encode("utf-8", "replace")).to_bytes(8, "big") + part for each in parts
    )
    return hashlib.sha256(joined).hexdigest()[:64]


def _spelt(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "" if value is None else str(value)
