"""Copies a database as it stands at one moment, and says what that moment's rows name.

Others go on writing: SQLite's readers hold nobody up, and pg_dump reads one snapshot.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, func, inspect, select, text

from munshi.domain.backups import DATABASES, BackedUpDatabase
from munshi.errors import BackupFailedError, BackupInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import (
    audit_archives,
    audit_logs,
    audit_sealer,
    candle_files,
    job_artifacts,
)
from munshi.infrastructure.database.postgresql_programs import dump_database
from munshi.infrastructure.database.revision import read_revision
from munshi.infrastructure.database.server_connection import patience
from munshi.infrastructure.database.vault_key_repository import MasterKeyRow, VaultKeyRepository

_LEDGER = select(audit_sealer.c.ledger_id)
_LAST_AUDIT_ID = select(func.coalesce(func.max(audit_logs.c.id), 0))
_CANDLES = select(candle_files.c.path, candle_files.c.sha256).where(candle_files.c.is_current)
_ARTIFACTS = select(job_artifacts.c.path, job_artifacts.c.sha256)
_ARCHIVES = select(audit_archives.c.name, audit_archives.c.sha256).where(
    audit_archives.c.state != "expired"
)
_STAY_IDLE = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_EXPORT = text("SELECT pg_export_snapshot()")
_SERVER = text("SELECT current_setting('server_version_num')::int / 10000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the copied database is, and the files of the home it names: path to SHA-256 in hex."""

    database: BackedUpDatabase
    master: MasterKeyRow | None
    files: dict[str, str]


def copy_database(database: Database, to: Path) -> Snapshot:
    """Write the whole database to `to`. Holds no transaction of a service, and may take minutes.

    Raises BackupFailedError, BackupProgramMissingError, DatabaseUnreachableError.
    """
    if database.dialect == "sqlite":
        return _copy_sqlite(database, to)
    if database.dialect == "postgresql":
        return _dump_postgresql(database, to)
    raise BackupFailedError(
        "Munshi cannot back up a database on SQL Server.",
        hint="Let the server do it: BACKUP DATABASE; then copy MUNSHI_HOME and run "
        "`munshi keys backup`.",
    )


def named_files(database: Database) -> set[str]:
    """The files of the home that the database names now."""
    with database.connected() as connection:
        return set(_files(connection))


def is_empty(database: Database) -> bool:
    """Whether a server's database holds no table at all."""
    with database.connected() as connection:
        return not inspect(connection).get_table_names()


def identity(database: Database) -> tuple[str | None, int]:
    """The ledger's name and the highest audit row; (None, 0) where there is nothing of ours."""
    with database.connected() as connection:
        if read_revision(connection) is None:
            return None, 0
        return _identity(connection)


def check_sqlite_copy(path: Path, *, revision: str) -> None:
    """Raises BackupInvalidError, which says what is wrong with the file."""
    name = DATABASES["sqlite"]
    try:
        with closing(_open_copy(path)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
            if found == ["ok"] and connection.execute("PRAGMA foreign_key_check").fetchone():
                found = ["rows without their parent"]
            stands = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    except sqlite3.Error as error:
        raise BackupInvalidError(f"{name} is no whole database: {error}.") from None
    if found != ["ok"]:
        raise BackupInvalidError(f"{name} is damaged: {'; '.join(found)[:300]}.")
    if stands is None or stands[0] != revision:
        raise BackupInvalidError(f"{name} is not at revision {revision}, as the manifest says.")


# --- SQLite --------------------------------------------------------------------------------


def _copy_sqlite(database: Database, to: Path) -> Snapshot:
    """VACUUM INTO reads one state however many write, and leaves behind what was deleted."""
    with closing(database.driver_connection()) as connection:
        try:
            connection.execute("VACUUM INTO ?", (str(to),))
        except sqlite3.Error as error:
            raise BackupFailedError(
                f"The database cannot be copied to {to.parent.parent}: {error}.",
                hint="See that there is room for it, and that the database is intact: "
                "munshi jobs run database_maintenance",
            ) from None
    engine = create_engine("sqlite://", creator=lambda: _open_copy(to), hide_parameters=True)
    try:
        with engine.connect() as connection:
            return _snapshot(connection, kind="sqlite")
    finally:
        engine.dispose()


def _open_copy(path: Path) -> sqlite3.Connection:
    """To look only: nothing is written beside it either."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


# --- PostgreSQL ----------------------------------------------------------------------------


def _dump_postgresql(database: Database, to: Path) -> Snapshot:
    with _exported(database) as (connection, exported):
        server = int(connection.execute(_SERVER).scalar_one())
        program = dump_database(database, to, server=server, snapshot=exported)
        return _snapshot(connection, kind="postgresql", server=server, program=program)


@contextmanager
def _exported(database: Database) -> Iterator[tuple[Connection, str]]:
    """A reading transaction whose snapshot others can take over as long as it lasts."""
    reader = database.engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    with patience(None), database.connected(reader) as connection, connection.begin():
        connection.execute(_STAY_IDLE)
        yield connection, str(connection.execute(_EXPORT).scalar_one())


# --- both ----------------------------------------------------------------------------------


def _snapshot(connection: Connection, *, kind: str, **programs: Any) -> Snapshot:  # noqa: ANN401
    revision = read_revision(connection)
    if revision is None:
        raise BackupFailedError("There is no database of Munshi's to back up.")
    ledger_id, last_audit_id = _identity(connection)
    master = VaultKeyRepository(connection).get_master()
    return Snapshot(
        database=BackedUpDatabase(
            kind=kind,
            revision=revision,
            ledger_id=ledger_id,
            last_audit_id=last_audit_id,
            master_key_id=master.key_id if master else None,
            key_source=master.source if master else None,
            **programs,
        ),
        master=master,
        files=_files(connection),
    )


def _identity(connection: Connection) -> tuple[str | None, int]:
    ledger_id = connection.execute(_LEDGER).scalar_one_or_none()
    return ledger_id, int(connection.execute(_LAST_AUDIT_ID).scalar_one())


def _files(connection: Connection) -> dict[str, str]:
    found = {row.path: row.sha256 for row in connection.execute(_CANDLES)}
    found |= {row.path: row.sha256.hex() for row in connection.execute(_ARTIFACTS)}
    found |= {f"audit/{row.name}": row.sha256 for row in connection.execute(_ARCHIVES)}
    return dict(sorted(found.items()))
