"""What a database looks like from inside, and rows for every table of it."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Table, func, insert, inspect, select, text

from munshi.infrastructure.database import types
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.security.vault import Sealed

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
_CATALOGUE = {
    "columns": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, "
    "column_default, is_identity FROM information_schema.columns WHERE table_schema = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, pg_get_functiondef(oid) FROM pg_proc "
    "WHERE pronamespace = 'public'::regnamespace",
}
# Values that a check constraint asks for; every other column takes whatever fits its type.
_CHECKED = {
    "severity": "info",
    "state": "open",
    "mode": "live",
    "service_type": "kite",
    "status": "queued",
    "fate": "imported",
    "kind": "queue",
    "role": "viewer",
    "reason": "partial",
}
# The same, where one word means different things in different tables.
_CHECKED_IN = {
    ("Alerts", "state"): "resolved",
    ("AlertMessages", "state"): "sent",
    ("AlertNotices", "event"): "fired",
    ("AlertNotices", "fate"): "told",
    ("AlertChannels", "least_severity"): "info",
    ("AlertDeliveries", "outcome"): "sent",
}
_SAMPLES: dict[type, Any] = {
    types.Instant: NOW,
    types.Day: date(2026, 11, 20),
    types.Name: "a name",
    types.Prose: "some prose",
    types.Json: {"a": [1, None]},
    types.Flag: True,
    types.Amount: Decimal("0.05"),
    types.Secret: Sealed(b"sealed"),
    types.Octets: b"octets",
    types.Digest: b"d" * 32,
    types.Whole: 1,
    types.Real: 0.5,
}


def schema(database: Database) -> dict[str, Any]:
    """Tables, columns, constraints, indexes, triggers, procedures: all that a migration makes."""
    with database.engine.connect() as connection:
        if database.dialect == "sqlite":
            rows = connection.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_master"))
            return {f"{row.type} {row.name}": _spelled(row.sql) for row in rows}
        return {
            f"{kind} {row}": row
            for kind, statement in _CATALOGUE.items()
            for row in connection.execute(text(statement))
            if VERSION_TABLE not in str(row) or kind == "columns"
        }


def _spelled(sql: str | None) -> str | None:
    return None if sql is None else re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")")


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
            if name in present
        }


def fill(database: Database) -> dict[str, int]:
    """Put a row into every table that is there, with the columns it has; the counts then."""
    with database.engine.begin() as connection:
        inspector = inspect(connection)
        present = set(inspector.get_table_names())
        made: dict[str, dict[str, Any]] = {}
        for table in metadata.sorted_tables:
            if table.name in present and table.name not in {"ConfigRevision", "CacheState"}:
                columns = {column["name"] for column in inspector.get_columns(table.name)}
                made[table.name] = _insert_sample(connection, table, columns, made)
    return counts(database)


def _insert_sample(
    connection: Connection, table: Table, columns: set[str], made: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.name not in columns or column.identity is not None:
            continue
        if isinstance(column.type, types.TransactionId):
            continue
        parent = next(iter(column.foreign_keys), None)
        if parent is not None:
            owner, _, key = parent.target_fullname.partition(".")
            row[column.name] = made[owner][key] if owner in made else None
        elif column.name == "job_id" and "BackgroundJobs" in made:
            row[column.name] = made["BackgroundJobs"]["job_id"]
        elif isinstance(column.type, types.RowUuid):
            row[column.name] = uuid4()
        elif (table.name, column.name) in _CHECKED_IN:
            row[column.name] = _CHECKED_IN[table.name, column.name]
        elif column.name in _CHECKED and isinstance(column.type, types.Name):
            row[column.name] = _CHECKED[column.name]
        else:
            row[column.name] = _SAMPLES[type(column.type)]
    if "secret_value" in row:
        row["config_value"] = None
    result = connection.execute(insert(table).values(row))
    keys = [column.name for column in table.primary_key]
    return row | dict(zip(keys, result.inserted_primary_key or (), strict=False))
