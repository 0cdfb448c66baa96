"""The insert into AuditLogs in the drivers' own words: every change passes here."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from munshi.infrastructure.database.types import to_text

# Field, salt and value of each personal value beside a row.
Personal = Sequence[tuple[str, bytes, str]]
_COLUMNS = (
    *("format_version", "entity_type", "entity_id", "action", "old_value", "new_value"),
    *("timestamp", "user_id", "request_id", "job_id", "details", "canonical", "leaf"),
)
_DOCUMENTS = frozenset({"old_value", "new_value", "details"})
_PERSONAL = 'INSERT INTO "AuditPersonalData" (audit_id, field, salt, value)'


def insert_on_sqlite(connection: Connection, row: Mapping[str, Any], personal: Personal) -> int:
    """The new row's id."""
    values = _spelled(row)
    values["timestamp"] = to_text(values["timestamp"])
    audit_id = int(connection.exec_driver_sql(_SQLITE, _in_order(values)).scalar_one())
    for each in personal:
        connection.exec_driver_sql(f"{_PERSONAL} VALUES (?, ?, ?, ?)", (audit_id, *each))
    return audit_id


def insert_on_postgresql(connection: Connection, row: Mapping[str, Any], personal: Personal) -> int:
    """The new row's id; one trip to the server, personal values included."""
    values = (*_in_order(_spelled(row)), *(part for each in personal for part in each))
    return int(connection.exec_driver_sql(_postgresql(len(personal)), values).scalar_one())


INSERTS = {"sqlite": insert_on_sqlite, "postgresql": insert_on_postgresql}


def _insert(mark: str, document: str) -> str:
    marks = ", ".join(document if name in _DOCUMENTS else mark for name in _COLUMNS)
    return f'INSERT INTO "AuditLogs" ({", ".join(_COLUMNS)}) VALUES ({marks}) RETURNING id'


_SQLITE = _insert("?", "?")


@lru_cache
def _postgresql(personal: int) -> str:
    made = _insert("%s", "%s::jsonb")
    if not personal:
        return made
    kept = " UNION ALL ".join(["SELECT id, %s, %s::bytea, %s FROM made"] * personal)
    return f"WITH made AS ({made}), kept AS ({_PERSONAL} {kept}) SELECT id FROM made"


def _spelled(row: Mapping[str, Any]) -> dict[str, Any]:
    """JSON as the hashed bytes have it, instants as `types` has them.

    Raises ValueError for a naive instant.
    """
    if row["timestamp"].tzinfo is None:
        raise ValueError("an instant needs a time zone")
    documents = {
        name: json.dumps(row[name], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        for name in _DOCUMENTS
        if row[name] is not None
    }
    return {**row, **documents, "timestamp": row["timestamp"].astimezone(UTC)}


def _in_order(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values[name] for name in _COLUMNS)
