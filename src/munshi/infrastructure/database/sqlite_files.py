"""How large a SQLite database's files are."""

from pathlib import Path

from munshi.infrastructure.database.engine import Database


def database_path(database: Database) -> Path | None:
    """The file of a SQLite database; None where a server keeps it."""
    name = database.url.database
    return Path(name) if database.dialect == "sqlite" and name else None


def wal_bytes(database: Database) -> int | None:
    """What was written and not yet folded into the file; None where a server keeps it."""
    path = database_path(database)
    if path is None:
        return None
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0
