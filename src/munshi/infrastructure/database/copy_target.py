"""A database that is to become a copy: what it may hold before, and how it comes to be one.

The rows come in one transaction, tables included. Before it a mark is written where the revision
stands, which every version of Munshi refuses to open; the transaction takes it away.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    func,
    inspect,
    or_,
    select,
    text,
)

from munshi.domain.config_keys import seeded_keys
from munshi.errors import AppError, CopyTargetUnfitError, DatabaseStaleError
from munshi.infrastructure.database.copied_rows import copied_tables
from munshi.infrastructure.database.copy_writer import CopyWriter
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.ledger_repository import LedgerRepository
from munshi.infrastructure.database.migrate import alembic_config, migrating
from munshi.infrastructure.database.migrations import HEAD, UNFINISHED_COPY, VERSION_TABLE
from munshi.infrastructure.database.models import audit_logs, metadata, system_configurations
from munshi.infrastructure.database.revision import read_revision, refuse_foreign, refuse_newer
from munshi.infrastructure.database.sqlite_files import database_path
from munshi.infrastructure.database.url import place_of
from munshi.infrastructure.platform import write_private

# As Alembic makes it.
_VERSIONS = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
_FORGET = _VERSIONS.delete()
_STAND_AT = _VERSIONS.insert()
# What `munshi db upgrade` and a first look leave: keys, seeded settings, and their audit rows.
_MAY_HOLD = frozenset(
    {
        *("SystemConfigurations", "ConfigRevision", "ConfigHistory", "VaultKeys", "DataKeys"),
        *("AuditLogs", "AuditBlocks", "AuditKeys", "AuditSealer"),
    }
)
_configs, _logs = system_configurations.c, audit_logs.c
_STORED = select(
    _configs.config_type,
    _configs.config_key,
    _configs.config_value,
    _configs.version,
    _configs.is_active,
    _configs.secret_value.is_not(None).label("is_secret"),
)
_OTHER_ACTS = select(func.count()).where(
    or_(_logs.entity_type != "config", _logs.action != "set", _logs.old_value.is_not(None))
)
_NAME = text("SELECT current_database()")


def identity_of(database: Database) -> str:
    """What is the same for two addresses of one database."""
    path = database_path(database)
    if path is not None:
        return str(path.resolve())
    with database.connected() as connection:
        server = LedgerRepository(connection).get_server()
        return f"{server}/{connection.execute(_NAME).scalar_one()}"


class CopyTarget:
    """Raises CopyTargetUnfitError, with nothing touched, for a database that holds anything."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._was: str | None = None
        self._is_marked = False
        self._is_new_file = False

    def mark(self) -> None:
        """Refuse what may not be written over, then say that this is no desk yet."""
        self._make_file()
        with migrating(self._database) as connection:
            self._was = read_revision(connection)
            self._refuse_unfit(connection)
            if self._was is None:
                _VERSIONS.create(connection)
            _stand_at(connection, UNFINISHED_COPY)
        self._is_marked = True

    def unmark(self) -> None:
        """Leave the database as it was before `mark`, as far as it can be reached.

        One that an earlier copy left unfinished stays so.
        """
        if self._is_marked and self._was != UNFINISHED_COPY:
            with suppress(AppError), migrating(self._database) as connection:
                if self._was is None:
                    _VERSIONS.drop(connection)
                else:
                    _stand_at(connection, self._was)
        if self._is_new_file:
            self._remove_file()

    @contextmanager
    def filling(self) -> Iterator[CopyWriter]:
        """New tables of this version's revision, there for others when the block has ended well."""
        with migrating(self._database) as connection:
            if self._database.dialect == "postgresql":
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            self._refuse_unfit(connection)
            self._make_tables(connection)
            writer = CopyWriter(connection)
            yield writer
            writer.gather_statistics()

    def _make_tables(self, connection: Connection) -> None:
        """Anew, where an upgrade had made them: audit rows cannot be taken out of a table."""
        config = alembic_config()
        config.attributes["connection"] = connection
        connection.execute(_FORGET)
        if _our_tables(connection):
            _stand_at(connection, HEAD)
            command.downgrade(config, "base")
        command.upgrade(config, "head")
        # What migrations put in is among what is copied.
        for table in reversed(copied_tables()):
            if connection.execute(_counting(table)).scalar_one():
                connection.execute(table.delete())

    def _refuse_unfit(self, connection: Connection) -> None:
        found = read_revision(connection)
        if found not in {None, HEAD, UNFINISHED_COPY}:
            refuse_newer(found)
            raise DatabaseStaleError(
                f"The database to copy to is at revision {found}, and this version needs {HEAD}.",
                hint="Copy to an empty database.",
            )
        refuse_foreign(connection)
        if _our_tables(connection) and (held := _holds(connection)):
            raise CopyTargetUnfitError(
                f"{place_of(self._database.url)} is a desk already: it holds {held}; "
                "nothing was touched.",
                hint="Copy to an empty database.",
            )

    def _make_file(self) -> None:
        """For its owner alone, as everything in a home."""
        path = database_path(self._database)
        if path is None or path.exists():
            return
        if not path.parent.is_dir():
            raise CopyTargetUnfitError(f"There is no folder {path.parent}.")
        try:
            write_private(path, b"")
        except OSError as error:
            raise CopyTargetUnfitError(f"{path} cannot be made: {error.strerror}.") from None
        self._is_new_file = True

    def _remove_file(self) -> None:
        path = database_path(self._database)
        self._database.close()
        if path is not None:
            for each in (path, *(Path(f"{path}{end}") for end in ("-wal", "-shm", "-journal"))):
                with suppress(OSError):
                    each.unlink(missing_ok=True)


def _stand_at(connection: Connection, revision: str) -> None:
    connection.execute(_FORGET)
    connection.execute(_STAND_AT, {"version_num": revision})


def _our_tables(connection: Connection) -> bool:
    return not metadata.tables.keys().isdisjoint(inspect(connection).get_table_names())


def _holds(connection: Connection) -> str:
    """What somebody has done here, in a few words; empty for a database just upgraded."""
    for table in copied_tables():
        if table.name in _MAY_HOLD:
            continue
        if count := int(connection.execute(_counting(table)).scalar_one()):
            return f"{count:,} rows of {table.name}"
    if count := int(connection.execute(_OTHER_ACTS).scalar_one()):
        return f"{count:,} audit rows"
    seeds = {(key.config_type, key.name): key.default for key in seeded_keys()}
    for row in connection.execute(_STORED):
        is_seed = (row.config_type, row.config_key) in seeds and not row.is_secret
        if not is_seed or row.version != 1 or not row.is_active:
            return f"the setting {row.config_type}/{row.config_key}"
    return ""


@lru_cache
def _counting(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table)
