"""SQL that takes rows out of AuditLogs for an archive, and brings them back as they were."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from munshi.domain.ledger.archives import ArchivedRow
from munshi.domain.ledger.rows import (
    DOCUMENTS,
    READABLE,
    StoredRow,
    other_spellings,
    spell_document,
)
from munshi.infrastructure.database.ledger_reader import as_text

_TABLE = '"AuditLogs"'
# Which of the rows, as each driver takes a list.
_AMONG = {
    "sqlite": "id IN (SELECT value FROM json_each(?))",
    "postgresql": "id = ANY(%s)",
    "mssql": "id IN (SELECT CAST(value AS bigint) FROM OPENJSON(?))",
}
# SQLite has one writer, and SQL Server counts a restored row as new.
_TRANSACTION = {"sqlite": "NULL", "postgresql": "transaction_id::text", "mssql": "NULL"}
_READABLE = dict.fromkeys(_AMONG, READABLE) | {"postgresql": tuple(map(as_text, READABLE))}
_SELECT = {
    dialect: f"SELECT id, {_TRANSACTION[dialect]}, leaf, canonical, "
    f"{', '.join(_READABLE[dialect])} FROM {_TABLE} WHERE {among}"
    for dialect, among in _AMONG.items()
}
_NEWEST = {
    dialect: f"SELECT count(*), max(timestamp) FROM {_TABLE} WHERE {among}"
    for dialect, among in _AMONG.items()
}
_DELETE = {dialect: f"DELETE FROM {_TABLE} WHERE {among}" for dialect, among in _AMONG.items()}
_THERE = {dialect: f"SELECT id FROM {_TABLE} WHERE {among}" for dialect, among in _AMONG.items()}
_COLUMNS = (
    *("id", "format_version", "entity_type", "entity_id", "action", "old_value", "new_value"),
    *("timestamp", "user_id", "request_id", "job_id", "details", "canonical", "leaf"),
)


def _insert(mark: str, casts: Mapping[str, str], *added: str) -> str:
    names = (*_COLUMNS, *added)
    marks = ", ".join(mark + casts.get(name, "") for name in names)
    return f"INSERT INTO {_TABLE} ({', '.join(names)}) VALUES ({marks})"


_DOCUMENT_CASTS = dict.fromkeys(DOCUMENTS, "::jsonb")
_INSERT = {
    "sqlite": _insert("?", {}),
    "postgresql": _insert("%s", {**_DOCUMENT_CASTS, "transaction_id": "::xid8"}, "transaction_id"),
    "mssql": _insert("?", {}),
}


class ArchivedRowRepository:
    """Deletes only what the triggers let go: rows of an archive that is being moved."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    def list_rows(self, ids: Sequence[int]) -> dict[int, tuple[ArchivedRow, StoredRow]]:
        """Those of the rows that are there: for the archive, and as they lie in the table."""
        found = {}
        for row in self._ask(_SELECT, ids):
            stored = StoredRow(bytes(row[2]), bytes(row[3]), tuple(row[4:]))
            archived = ArchivedRow(
                audit_id=row[0],
                transaction_id=row[1],
                row=stored._replace(readable=None),
                spelled=other_spellings(stored),
            )
            found[row[0]] = (archived, stored)
        return found

    def newest(self, ids: Sequence[int]) -> tuple[int, datetime | None]:
        """How many of the rows are there, and when the newest of them was written."""
        count, at = self._ask(_NEWEST, ids).one()
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        return count, at if at is None or at.tzinfo else at.replace(tzinfo=UTC)

    def list_ids(self, ids: Sequence[int]) -> set[int]:
        """Which of the rows are there."""
        return {row[0] for row in self._ask(_THERE, ids)}

    def delete_rows(self, ids: Sequence[int]) -> int:
        return int(self._ask(_DELETE, ids).rowcount)

    def save_rows(self, rows: Iterable[ArchivedRow], *, counted: bool) -> None:
        """Rows as they stood; `counted` where this server counted their transactions.

        Elsewhere a transaction's number says nothing, and is left out.
        """
        values = [self._values(each, counted=counted) for each in rows]
        if not values:
            return
        if self._dialect == "mssql":
            self._connection.exec_driver_sql(f"SET IDENTITY_INSERT {_TABLE} ON")
        self._connection.exec_driver_sql(_INSERT[self._dialect], values)
        if self._dialect == "mssql":
            self._connection.exec_driver_sql(f"SET IDENTITY_INSERT {_TABLE} OFF")

    def _ask(self, statements: Mapping[str, str], ids: Sequence[int]) -> Any:  # noqa: ANN401 - the driver's
        given = list(ids) if self._dialect == "postgresql" else json.dumps(list(ids))
        return self._connection.exec_driver_sql(statements[self._dialect], (given,))

    def _values(self, each: ArchivedRow, *, counted: bool) -> tuple[Any, ...]:
        said = json.loads(each.row.canonical)
        at = said["timestamp"]
        documents = {name: each.spelled.get(name, spell_document(said[name])) for name in DOCUMENTS}
        values = {
            **said,
            **documents,
            "id": each.audit_id,
            "format_version": said["version"],
            # Rows of the first format never had a job.
            "job_id": said.get("job_id"),
            "timestamp": at if self._dialect == "sqlite" else _instant(at, self._dialect),
            "canonical": each.row.canonical,
            "leaf": each.row.leaf,
        }
        ordered = tuple(values[name] for name in _COLUMNS)
        if self._dialect != "postgresql":
            return ordered
        return (*ordered, each.transaction_id if counted else None)


def _instant(text: str, dialect: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC).replace(tzinfo=None) if dialect == "mssql" else at
