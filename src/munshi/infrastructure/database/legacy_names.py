"""Moves tables of an old install out of the way, and whatever of theirs bears a name of ours."""

import re
from collections.abc import Iterable

from sqlalchemy import Connection, text

from munshi.domain.legacy import LEGACY_PREFIX
from munshi.infrastructure.database import procedures
from munshi.infrastructure.database.models import metadata

_MSSQL_RENAME = text("EXEC sp_rename :old, :new")
_MSSQL_CONSTRAINTS = text(
    "SELECT name FROM sys.objects WHERE parent_object_id = OBJECT_ID(:name) "
    "AND type IN ('PK', 'UQ', 'F', 'C', 'D')"
)
_POSTGRESQL_ROUTINES = text(
    "SELECT proname, oid::regprocedure::text FROM pg_proc "
    "WHERE pronamespace = current_schema()::regnamespace AND proname = ANY(:names)"
)
_POSTGRESQL_INDEXES = text(
    "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = :name"
)
_SQLITE_INDEXES = text(
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name "
    "AND sql IS NOT NULL"
)
_INDEX_NAME = re.compile(
    r"^(\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?)"
    r"(?:\"(?:[^\"]|\"\")*\"|\[[^\]]*\]|`[^`]*`|[^\s(]+)",
    re.IGNORECASE,
)
_LONGEST_POSTGRESQL_NAME = 63


def move_aside(connection: Connection, names: list[str]) -> None:
    """Rename these tables to `legacy_*`, with their indexes and the procedures of our names."""
    for name in names:
        _rename_table(connection, name)
    if names:
        _rename_procedures(connection)


def _rename_table(connection: Connection, name: str) -> None:
    new = LEGACY_PREFIX + name
    if connection.dialect.name == "mssql":
        constraints = connection.execute(_MSSQL_CONSTRAINTS, {"name": name}).scalars().all()
        for each in _ours(constraints):
            connection.execute(_MSSQL_RENAME, {"old": each, "new": LEGACY_PREFIX + each})
        connection.execute(_MSSQL_RENAME, {"old": name, "new": new})
        return
    quote = connection.dialect.identifier_preparer.quote_identifier
    connection.exec_driver_sql(f"ALTER TABLE {quote(name)} RENAME TO {quote(new)}")
    if connection.dialect.name == "postgresql":
        indexes = connection.execute(_POSTGRESQL_INDEXES, {"name": new}).scalars().all()
        for each in _ours(indexes):
            kept = (LEGACY_PREFIX + each)[:_LONGEST_POSTGRESQL_NAME]
            connection.exec_driver_sql(f"ALTER INDEX {quote(each)} RENAME TO {quote(kept)}")
        return
    statements = {row.name: row.sql for row in connection.execute(_SQLITE_INDEXES, {"name": new})}
    for each in _ours(list(statements)):
        # SQLite cannot rename an index.
        connection.exec_driver_sql(f"DROP INDEX {quote(each)}")
        renamed = quote(LEGACY_PREFIX + each).replace("\\", "\\\\")
        connection.exec_driver_sql(_INDEX_NAME.sub(rf"\g<1>{renamed}", statements[each], count=1))


def _ours(names: Iterable[str]) -> list[str]:
    """Those that one of our own indexes or constraints will be called; they count per schema."""
    taken = {
        str(index.name).lower() for table in metadata.tables.values() for index in table.indexes
    }
    taken |= {
        str(constraint.name).lower()
        for table in metadata.tables.values()
        for constraint in table.constraints
        if constraint.name
    }
    return [name for name in names if name.lower() in taken]


def _rename_procedures(connection: Connection) -> None:
    """An old install has procedures of our names; ours could not be created beside them."""
    if connection.dialect.name == "mssql":
        for name in procedures.NAMES:
            if connection.scalar(text("SELECT OBJECT_ID(:name, 'P')"), {"name": name}) is not None:
                connection.execute(_MSSQL_RENAME, {"old": name, "new": LEGACY_PREFIX + name})
    if connection.dialect.name == "postgresql":
        names = [name.lower() for name in procedures.NAMES]
        for name, signature in connection.execute(_POSTGRESQL_ROUTINES, {"names": names}).all():
            connection.exec_driver_sql(
                f'ALTER ROUTINE {signature} RENAME TO "{LEGACY_PREFIX}{name}"'
            )


def drop_legacy(connection: Connection, names: list[str]) -> None:
    """Drop tables of an old install for good; on SQLite their bytes are overwritten.

    Raises what the database says if something of somebody else's still leans on them.
    """
    quote = connection.dialect.identifier_preparer.quote_identifier
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        for name in names:
            connection.exec_driver_sql(f"DROP TABLE {quote(name)}")
    elif names:
        connection.exec_driver_sql(f"DROP TABLE {', '.join(map(quote, names))}")
