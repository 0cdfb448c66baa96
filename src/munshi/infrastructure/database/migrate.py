"""Brings a database to the revision this version needs, through Alembic."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from munshi.domain.legacy import LEGACY_PREFIX
from munshi.errors import DatabaseForeignError, LegacyTablesKeptError
from munshi.infrastructure.database import legacy_names
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.revision import (
    foreign_tables,
    read_revision,
    refuse_foreign,
    refuse_newer,
)
from munshi.infrastructure.database.server_connection import patience

_PACKAGE = "munshi.infrastructure.database.migrations"
# Filtered indexes need these, and sqlcmd begins with QUOTED_IDENTIFIER OFF.
_MSSQL_HEADER = """\
-- Run with: sqlcmd -b -i FILE (-b stops at the first error)
SET ANSI_NULLS ON;
SET ANSI_PADDING ON;
SET ANSI_WARNINGS ON;
SET ARITHABORT ON;
SET CONCAT_NULL_YIELDS_NULL ON;
SET NUMERIC_ROUNDABORT OFF;
SET QUOTED_IDENTIFIER ON;
SET XACT_ABORT ON;

GO

"""
_LOCK = 7_746_713_501  # any constant: one upgrade at a time on PostgreSQL


def alembic_config() -> Config:
    config = Config()
    spec = find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise RuntimeError("the migrations are not installed")
    config.set_main_option("script_location", spec.submodule_search_locations[0])
    return config


def revisions() -> list[str]:
    """Every revision, oldest first."""
    script = ScriptDirectory.from_config(alembic_config())
    return [found.revision for found in script.walk_revisions()][::-1]


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to `revision`.

    Raises DatabaseForeignError if it holds tables of our names that we did not make, and
    DatabaseStaleError if a later version of Munshi made them.
    """
    with migrating(database) as connection:
        refuse_foreign(connection)
        refuse_newer(read_revision(connection))
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    with migrating(database) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def adopt(database: Database) -> list[str]:
    """Rename tables and procedures that we did not make to `legacy_*`; the tables' old names.

    Raises DatabaseForeignError, with nothing touched, if one of the new names is taken.
    """
    with migrating(database) as connection:
        found = foreign_tables(connection)
        taken = {name.lower() for name in inspect(connection).get_table_names()}
        new = [LEGACY_PREFIX + name for name in found]
        if clashes := sorted(name for name in new if name.lower() in taken):
            raise DatabaseForeignError(
                f"The database already holds {', '.join(clashes)}; nothing was touched.",
                hint="Rename or drop these first.",
            )
        legacy_names.move_aside(connection, found)
        return found


def drop_legacy(database: Database, names: list[str]) -> None:
    """Drop these tables of an old install, all or none; what a SQLite file held of them is gone.

    Raises LegacyTablesKeptError if something else leans on them.
    """
    try:
        with migrating(database) as connection:
            legacy_names.drop_legacy(connection, names)
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0]
        raise LegacyTablesKeptError(
            f"The database kept them all: {said}.", hint="Drop first what leans on them."
        ) from error
    if database.dialect == "sqlite":
        with database.connected() as connection:
            # Outside a transaction, which SQLAlchemy would begin.
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.close()


def differences(database: Database) -> list[str]:
    """What `munshi db check` prints: how the tables differ from what the code expects."""
    with database.connected() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "include_name": _is_of_now,
            },
        )
        return [str(found) for found in compare_metadata(context, metadata)]


def _is_of_now(name: str | None, kind: str, _: Mapping[str, str | None]) -> bool:
    """What an old install left is kept beside ours, and is no difference."""
    return kind != "table" or not (name or "").lower().startswith(LEGACY_PREFIX)


def script(dialect: str) -> str:
    """The whole history as SQL for `dialect`: sqlite, postgresql or mssql.

    Batches for SQL Server end with GO, since a procedure must stand first in its own.
    """
    output = io.StringIO(_MSSQL_HEADER if dialect == "mssql" else "")
    output.seek(0, io.SEEK_END)
    config = alembic_config()
    config.output_buffer = output
    config.set_main_option("dialect", dialect)
    command.upgrade(config, "head", sql=True)
    return output.getvalue()


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """One transaction, alone; on SQLite with foreign keys off outside and checked inside.

    A statement may take as long as it likes.
    """
    sqlite = database.dialect == "sqlite"
    with patience(None), database.connected() as connection:
        if sqlite:
            _enforce_foreign_keys(connection, on=False)
        try:
            with connection.begin():
                if database.dialect == "postgresql":
                    connection.execute(text("SET LOCAL lock_timeout = 0"))
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                yield connection
                if sqlite:
                    _check_foreign_keys(connection)
        finally:
            if sqlite:
                _enforce_foreign_keys(connection, on=True)


def _enforce_foreign_keys(connection: Connection, *, on: bool) -> None:
    """SQLite ignores this inside a transaction, so it goes past SQLAlchemy's own."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")
    cursor.close()


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"the migration left {len(broken)} rows without their parent")
