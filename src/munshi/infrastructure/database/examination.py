"""What can be asked of a database without knowing anything about its tables."""

from sqlalchemy import text

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.sqlite_files import database_path

# Reading every page of a larger file takes longer than a person waits.
LARGEST_CHECKED_MB = 512
_MB = 1024 * 1024
_VERSION = {
    "sqlite": text("SELECT sqlite_version()"),
    "postgresql": text("SHOW server_version"),
    "mssql": text("SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(64))"),
}
_QUICK_CHECK = text("PRAGMA quick_check(3)")


def engine_version(database: Database) -> str:
    """The version of the server, or of the SQLite library. Raises DatabaseUnreachableError."""
    with database.connected() as connection:
        return str(connection.execute(_VERSION[database.dialect]).scalar_one())


def file_damage(database: Database) -> list[str] | None:
    """What is wrong with a SQLite file, nothing if it is whole; None if it was not looked at.

    Raises DatabaseUnreachableError for one that cannot even be opened.
    """
    path = database_path(database)
    if path is None or path.stat().st_size > LARGEST_CHECKED_MB * _MB:
        return None
    with database.connected() as connection:
        said = [str(row[0]) for row in connection.execute(_QUICK_CHECK)]
    return [] if said == ["ok"] else said
