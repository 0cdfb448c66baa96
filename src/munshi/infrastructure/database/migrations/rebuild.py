"""Rebuilds a SQLite table without losing its triggers, indexes, counter or children.

Alembic's batch mode drops triggers and AUTOINCREMENT and, with foreign keys on, deletes child
rows. `migrate` turns foreign keys off before the transaction begins and checks them at its end.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, Table
from sqlalchemy.schema import CreateTable

_KEPT = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger')"


def rebuild_table(
    connection: Connection,
    new: Table,
    *,
    copied: Mapping[str, str] | None = None,
    drop: frozenset[str] = frozenset(),
) -> None:
    """Give the table `new.name` the shape `new`, keeping its rows.

    `copied` maps a new column to the SQL expression over the old row that fills it; columns of
    both shapes are copied as they are. Index and trigger names in `drop` are left out.
    """
    name = new.name
    kept = [
        statement
        for (statement,) in connection.exec_driver_sql(_KEPT, (name,))
        if statement and not any(f'"{gone}"' in statement for gone in drop)
    ]
    old_columns = {row[1] for row in connection.exec_driver_sql(f'PRAGMA table_info("{name}")')}
    given = {
        column.name: f'"{column.name}"' for column in new.columns if column.name in old_columns
    }
    given.update(copied or {})
    # Only the table's own name changes for now: what it says of others, and of itself as its own
    # parent, is said under the final name.
    quoted = connection.dialect.identifier_preparer.format_table(new)
    created = str(CreateTable(new).compile(dialect=connection.dialect))
    connection.exec_driver_sql(created.replace(quoted, f'"{name}__new"', 1))
    targets = ", ".join(f'"{column}"' for column in given)
    connection.exec_driver_sql(
        f'INSERT INTO "{name}__new" ({targets}) SELECT {", ".join(given.values())} FROM "{name}"'
    )
    counter = connection.exec_driver_sql(
        "SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)
    ).scalar()
    connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    connection.exec_driver_sql(f'DROP TABLE "{name}"')
    connection.exec_driver_sql(f'ALTER TABLE "{name}__new" RENAME TO "{name}"')
    connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    if counter is not None:
        # An empty table has no counter yet, so there may be nothing to update.
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, counter))
    for statement in kept:
        connection.exec_driver_sql(statement)
