"""Has a database forget for good what was deleted from AuditPersonalData."""

from contextlib import closing

from munshi.infrastructure.database.engine import Database

_SWEEP = {
    "sqlite": "PRAGMA wal_checkpoint(TRUNCATE)",
    "postgresql": 'VACUUM "AuditPersonalData"',
}


def sweep(database: Database) -> None:
    """Empty SQLite's log of writes, or free PostgreSQL's dead rows; with no transaction open.

    Somebody who still reads an older state holds it up. Backups keep what they hold.
    """
    if database.dialect not in _SWEEP:
        return
    with database.translating(), closing(database.driver_connection()) as connection:
        if database.dialect == "postgresql":
            connection.autocommit = True
        connection.execute(_SWEEP[database.dialect])
