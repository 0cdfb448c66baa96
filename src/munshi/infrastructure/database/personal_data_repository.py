"""SQL for AuditPersonalData: what may be erased beside audit rows that stay."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

_TABLE = '"AuditPersonalData"'
_AMONG = {
    "sqlite": "audit_id IN (SELECT value FROM json_each(?))",
    "postgresql": "audit_id = ANY(%s)",
    "mssql": "audit_id IN (SELECT CAST(value AS bigint) FROM OPENJSON(?))",
}
_DELETE = {dialect: f"DELETE FROM {_TABLE} WHERE {among}" for dialect, among in _AMONG.items()}
_MARK = {"sqlite": "?", "postgresql": "%s", "mssql": "?"}
_OF_USER = {
    dialect: f'SELECT DISTINCT audit_id FROM {_TABLE} JOIN "AuditLogs" ON id = audit_id '
    f"WHERE user_id = {mark} ORDER BY audit_id"
    for dialect, mark in _MARK.items()
}
_WITH_VALUE = {
    dialect: f"SELECT audit_id, field FROM {_TABLE} WHERE value = {mark} ORDER BY audit_id"
    for dialect, mark in _MARK.items()
}
_DELETE_ONE = {
    dialect: f"DELETE FROM {_TABLE} WHERE audit_id = {mark} AND field = {mark}"
    for dialect, mark in _MARK.items()
}
_THERE = {
    dialect: f"SELECT DISTINCT audit_id FROM {_TABLE} WHERE {among}"
    for dialect, among in _AMONG.items()
}
_VALUES = {
    dialect: f"SELECT audit_id, field, salt, value FROM {_TABLE} WHERE {among}"
    for dialect, among in _AMONG.items()
}


class PersonalDataRepository:
    """Values beside rows, in the table or in archives: there is nothing personal in a file."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    def list_of_rows(self, ids: Sequence[int]) -> list[tuple[int, str, bytes, str]]:
        """Row, field, salt and value of what stands beside these rows."""
        return [(row[0], row[1], bytes(row[2]), row[3]) for row in self._ask(_VALUES, ids)]

    def list_rows_of(self, user_id: str) -> list[int]:
        """The rows in the table that say `user_id` and still have a personal value."""
        found = self._connection.exec_driver_sql(_OF_USER[self._dialect], (user_id,))
        return [row[0] for row in found]

    def list_with_value(self, value: str) -> list[tuple[int, str]]:
        """Row and field of each personal value that is `value`."""
        found = self._connection.exec_driver_sql(_WITH_VALUE[self._dialect], (value,))
        return [(row[0], row[1]) for row in found]

    def list_with_any(self, ids: Sequence[int]) -> set[int]:
        """Those of the rows that have a personal value."""
        return {row[0] for row in self._ask(_THERE, ids)}

    def erase_rows(self, ids: Sequence[int]) -> int:
        """Forget every personal value beside these rows; how many there were."""
        return int(self._ask(_DELETE, ids).rowcount)

    def erase_values(self, places: Iterable[tuple[int, str]]) -> None:
        """Forget the values at these rows and fields."""
        given = list(places)
        if given:
            self._connection.exec_driver_sql(_DELETE_ONE[self._dialect], given)

    def erase_thoroughly(self) -> None:
        """Have SQLite overwrite in its file what this connection deletes from now on."""
        if self._dialect == "sqlite":
            self._connection.exec_driver_sql("PRAGMA secure_delete = ON")

    def _ask(self, statements: Mapping[str, str], ids: Sequence[int]) -> Any:  # noqa: ANN401 - the driver's
        given = list(ids) if self._dialect == "postgresql" else json.dumps(list(ids))
        return self._connection.exec_driver_sql(statements[self._dialect], (given,))
