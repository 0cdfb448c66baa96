"""Brings a database to the revision this version needs, through Alembic."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.revision import foreign_tables, refuse_foreign

_PACKAGE = "munshi.infrastructure.database.migrations"
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

    Raises DatabaseForeignError if it holds tables of our names that we did not make.
    """
    with _migrating(database) as connection:
        refuse_foreign(connection)
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    with _migrating(database) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def adopt(database: Database) -> list[str]:
    """Rename tables that we did not make to `legacy_*`; the old names, sorted."""
    with _migrating(database) as connection:
        found = foreign_tables(connection)
        for name in found:
            _rename(connection, name, f"legacy_{name}")
        return found


def differences(database: Database) -> list[str]:
    """What `munshi db check` prints: how the tables differ from what the code expects."""
    with database.connected() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        return [str(found) for found in compare_metadata(context, metadata)]


def script(dialect: str) -> str:
    """The whole history as SQL for `dialect`: sqlite, postgresql or mssql."""
    output = io.StringIO()
    config = alembic_config()
    config.output_buffer = output
    config.set_main_option("dialect", dialect)
    command.upgrade(config, "head", sql=True)
    return output.getvalue()


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    """One transaction, alone; on SQLite with foreign keys off outside and checked inside."""
    sqlite = database.dialect == "sqlite"
    with database.connected() as connection:
        if sqlite:
            _enforce_foreign_keys(connection, on=False)
        try:
            with connection.begin():
                if database.dialect == "postgresql":
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


def _rename(connection: Connection, old: str, new: str) -> None:
    if connection.dialect.name == "mssql":
        connection.execute(text("EXEC sp_rename :old, :new"), {"old": old, "new": new})
        return
    connection.exec_driver_sql(f'ALTER TABLE "{old}" RENAME TO "{new}"')
