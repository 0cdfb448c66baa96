"""Monthly care of a database: statistics, dead rows, integrity, and what it says of its indexes.

Each step is a statement of its own, outside any transaction.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.server_connection import patience
from munshi.infrastructure.database.sqlite_files import wal_bytes

MB = 1024 * 1024
# Rewriting the whole file keeps every writer waiting, so there must be much to win.
MUCH_FREE_SHARE, MUCH_FREE_BYTES = 0.4, 128 * MB
MANY_DEAD_SHARE, MANY_DEAD = 0.2, 10_000
LARGE_INDEX_BYTES = 8 * MB
_ANALYSED_ROWS = 1000
_CHECKPOINT_MS = 2000

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCare:
    """One table: its rows (on a server the planner's figure), its size with indexes, what was done.

    `bytes` is None where the database does not say.
    """

    table: str
    rows: int
    bytes: int | None
    done: str


@dataclass(slots=True, kw_only=True)
class CareReport:
    """What was done and found. `advice` is what a person should do."""

    dialect: str
    bytes: int | None = None
    tables: list[TableCare] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    is_intact: bool | None = None


def care_for(
    database: Database, *, progress: Progress, much_free_bytes: int = MUCH_FREE_BYTES
) -> CareReport:
    """Do what the database in use needs. May take minutes; others go on working.

    `much_free_bytes` is from how much unused room on a SQLite file is rewritten.
    """
    if database.dialect == "sqlite":
        return _care_for_sqlite(database, progress, much_free_bytes)
    if database.dialect == "postgresql":
        return _care_for_postgresql(database, progress)
    return _care_for_mssql(database, progress)


def our_tables() -> list[str]:
    return sorted(metadata.tables)


# --- SQLite --------------------------------------------------------------------------------


def _care_for_sqlite(database: Database, progress: Progress, much_free_bytes: int) -> CareReport:
    report = CareReport(dialect="sqlite")
    with closing(_apart(database)) as connection:
        progress(5, "Checking the file.")
        _check_integrity(connection, report)
        sizes = _sqlite_sizes(connection)
        for at, table in enumerate(names := our_tables()):
            progress(30 + 40 * at / len(names), f"Analysing {table}.")
            report.tables.append(_analyse(connection, table, sizes))
        connection.execute("PRAGMA optimize")
        report.done.append("Statistics of every table and index were taken anew.")
        progress(75, "Looking for unused room.")
        if report.is_intact:
            _give_back_room(connection, report, much_free_bytes)
        progress(90, "Folding the write-ahead log into the file.")
        _checkpoint(connection, report, database)
        pages, size = (_pragma(connection, name) for name in ("page_count", "page_size"))
        report.bytes = pages * size
    return report


def _apart(database: Database) -> sqlite3.Connection:
    """A connection that goes back to nobody: what is set on it must not last."""
    pooled = database.engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError(f"{database.dialect} is not SQLite")
    connection.execute(f"PRAGMA analysis_limit = {_ANALYSED_ROWS}")
    return connection


def _check_integrity(connection: sqlite3.Connection, report: CareReport) -> None:
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
    report.is_intact = found == ["ok"]
    if report.is_intact:
        report.done.append("The file is intact (quick_check).")
        return
    report.done.append(f"The file is damaged (quick_check): {'; '.join(found)[:500]}")
    report.advice.append(
        "Stop Munshi and restore the last backup (munshi backup restore FILE), or save what can be "
        "read with sqlite3's .recover."
    )


def _sqlite_sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Bytes by table, indexes included; empty where this SQLite was built without dbstat."""
    try:
        rows = connection.execute(
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m "
            "ON m.name = s.name WHERE s.aggregate GROUP BY m.tbl_name"
        ).fetchall()
    except sqlite3.OperationalError:
        return {}
    return {str(name): int(size) for name, size in rows}


def _analyse(connection: sqlite3.Connection, table: str, sizes: dict[str, int]) -> TableCare:
    connection.execute(f'ANALYZE "{table}"')
    rows = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    return TableCare(table=table, rows=rows, bytes=sizes.get(table), done="analysed")


def _give_back_room(
    connection: sqlite3.Connection, report: CareReport, much_free_bytes: int
) -> None:
    pages, free, size = (
        _pragma(connection, name) for name in ("page_count", "freelist_count", "page_size")
    )
    if free * size < much_free_bytes or free < pages * MUCH_FREE_SHARE:
        report.done.append(
            f"{free * size / MB:.1f} of {pages * size / MB:.1f} MB are free for new rows; "
            "the file was not rewritten."
        )
        return
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        report.advice.append(
            f"{free * size / MB:.0f} MB could be given back, but the file could not be rewritten "
            f"({error}). Stop Munshi and run: sqlite3 FILE VACUUM"
        )
        return
    report.done.append(f"The file was rewritten; {free * size / MB:.1f} MB were given back.")


def _checkpoint(connection: sqlite3.Connection, report: CareReport, database: Database) -> None:
    before = wal_bytes(database) or 0
    # Writers wait as long as this does.
    connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MS}")
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        report.advice.append(
            f"The write-ahead log ({before / MB:.1f} MB) is held by a reader that does not end; "
            "see whether another program has the file open."
        )
        return
    report.done.append(f"The write-ahead log ({before / MB:.1f} MB) was folded into the file.")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


# --- PostgreSQL ----------------------------------------------------------------------------

_TABLES = text(
    "SELECT c.relname AS name, GREATEST(c.reltuples, 0)::bigint AS rows, "
    "pg_total_relation_size(c.oid) AS bytes, COALESCE(s.n_dead_tup, 0) AS dead, "
    "COALESCE(s.n_live_tup, 0) AS live "
    "FROM pg_class AS c LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
)
_SIZE = text("SELECT pg_database_size(current_database())")
_INVALID = text(
    "SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid "
    "WHERE NOT x.indisvalid AND i.relnamespace = current_schema()::regnamespace ORDER BY 1"
)
# An index that keeps rows unique is used whether or not a query reads it.
_UNUSED = text(
    "SELECT s.indexrelname AS name, s.relname AS of, pg_relation_size(s.indexrelid) AS bytes "
    "FROM pg_stat_user_indexes AS s JOIN pg_index AS x ON x.indexrelid = s.indexrelid "
    "WHERE s.idx_scan = 0 AND NOT x.indisunique AND s.schemaname = current_schema() "
    "AND pg_relation_size(s.indexrelid) >= :least ORDER BY 3 DESC"
)


def _care_for_postgresql(database: Database, progress: Progress) -> CareReport:
    report = CareReport(dialect="postgresql")
    alone = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with patience(None), database.connected(alone) as connection:
        before = {row.name: row for row in connection.execute(_TABLES)}
        names = [name for name in our_tables() if name in before]
        for at, table in enumerate(names):
            progress(5 + 80 * at / len(names), f"Cleaning and analysing {table}.")
            connection.execute(text(f'VACUUM (ANALYZE) "{table}"'))
        report.done.append("Dead rows were cleaned, and statistics taken anew, of every table.")
        progress(90, "Looking at the indexes.")
        after = {row.name: row for row in connection.execute(_TABLES)}
        for table in names:
            found, dead = after[table], before[table].dead
            report.tables.append(
                TableCare(
                    table=table,
                    rows=found.rows,
                    bytes=found.bytes,
                    done=f"vacuumed and analysed; it had {dead} dead rows",
                )
            )
            _advise_on_dead_rows(report, table, dead, before[table].live)
        _advise_on_indexes(connection, report)
        report.bytes = connection.execute(_SIZE).scalar_one()
    return report


def _advise_on_dead_rows(report: CareReport, table: str, dead: int, live: int) -> None:
    if dead >= MANY_DEAD and dead > MANY_DEAD_SHARE * max(live, 1):
        report.advice.append(
            f"{table} had {dead} dead rows beside {live} live ones: autovacuum does not keep up. "
            f'Let it come earlier: ALTER TABLE "{table}" SET '
            "(autovacuum_vacuum_scale_factor = 0.05)"
        )


def _advise_on_indexes(connection: Connection, report: CareReport) -> None:
    invalid: Sequence[str] = connection.execute(_INVALID).scalars().all()
    report.advice += [
        f'The index {name} is invalid. Build it anew: REINDEX INDEX CONCURRENTLY "{name}"'
        for name in invalid
    ]
    report.advice += [
        f"No query has used the index {row.name} of {row.of} ({row.bytes / MB:.0f} MB) since "
        "statistics were last reset."
        for row in connection.execute(_UNUSED, {"least": LARGE_INDEX_BYTES})
    ]


# --- SQL Server: written by the book, never tried --------------------------------------------

_MSSQL_TABLES = text(
    "SELECT OBJECT_NAME(object_id) AS name, "
    "SUM(CASE WHEN index_id IN (0, 1) THEN row_count ELSE 0 END) AS rows, "
    "SUM(reserved_page_count) * 8192 AS bytes "
    "FROM sys.dm_db_partition_stats GROUP BY object_id"
)


def _care_for_mssql(database: Database, progress: Progress) -> CareReport:
    report = CareReport(dialect="mssql")
    alone = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with database.connected(alone) as connection:
        progress(10, "Updating statistics.")
        connection.execute(text("EXEC sp_updatestats"))
        report.done.append("Statistics that had changed were taken anew (sp_updatestats).")
        found = {row.name: row for row in connection.execute(_MSSQL_TABLES)}
        report.tables = [
            TableCare(
                table=name,
                rows=found[name].rows,
                bytes=found[name].bytes,
                done="statistics updated",
            )
            for name in our_tables()
            if name in found
        ]
        report.bytes = sum(each.bytes or 0 for each in report.tables)
    return report
