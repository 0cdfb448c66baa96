"""Where a database stands, without Alembic: start-up compares one row."""

from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from munshi.errors import DatabaseForeignError, DatabaseStaleError, DatabaseUnfinishedError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import (
    HEAD,
    UNFINISHED_COPY,
    VERSION_TABLE,
    versions,
)
from munshi.infrastructure.database.models import metadata


def current_revision(database: Database) -> str | None:
    """The revision the database stands at, None for one that is not ours.

    Raises DatabaseUnreachableError.
    """
    with database.connected() as connection:
        return read_revision(connection)


def is_current(database: Database) -> bool:
    return current_revision(database) == HEAD


def read_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def refuse_newer(revision: str | None) -> None:
    """Raises DatabaseStaleError for a revision that a later version of Munshi made.

    And DatabaseUnfinishedError for one that a copy was cut short in.
    """
    if revision == UNFINISHED_COPY:
        raise DatabaseUnfinishedError(
            "This database was to become a copy of another one, and the copying was cut short.",
            hint="Run `munshi db copy` again from the old database, or empty this one.",
        )
    if revision is not None and not (files(versions) / f"{revision}.py").is_file():
        raise DatabaseStaleError(
            f"The database is at revision {revision}, which this version does not know.",
            hint="Use the version of Munshi that upgraded it, or a later one.",
        )


def foreign_tables(connection: Connection) -> list[str]:
    """Tables of our names in a database that has no revision of ours."""
    if read_revision(connection) is not None:
        return []
    ours = {name.lower() for name in metadata.tables}
    return sorted(name for name in inspect(connection).get_table_names() if name.lower() in ours)


def refuse_foreign(connection: Connection) -> None:
    """Raises DatabaseForeignError, so that nothing of somebody else's is touched."""
    if names := foreign_tables(connection):
        raise DatabaseForeignError(
            f"The database already holds {', '.join(names)}, which Munshi did not make; "
            "nothing was touched.",
            hint="Run `munshi db adopt` to keep them as legacy_* and start beside them.",
        )
