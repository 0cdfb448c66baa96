"""Rebuilding a SQLite table keeps its rows, children, counter, indexes and triggers."""

from collections.abc import Callable

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, Text, text

from databases import open_database
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations.rebuild import rebuild_table
from munshi.infrastructure.database.models import metadata
from schemas import counts, fill, schema

NAMES = sorted(metadata.tables)


@pytest.fixture
def rebuild(sqlite_database: Database) -> Callable[..., None]:
    """Rebuilds as a migration would: in one transaction, foreign keys off around it."""

    def run(work: Callable[[Connection], None]) -> None:
        with migrate.migrating(sqlite_database) as connection:
            work(connection)

    return run


def counters(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
        return {row.name: row.seq for row in rows}


def rows(database: Database, name: str) -> list[tuple[object, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f'SELECT * FROM "{name}"'))]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_rebuilt_as_it_was_is_as_it_was(
    sqlite_database: Database, rebuild: Callable[..., None], name: str
) -> None:
    fill(sqlite_database)
    before = schema(sqlite_database), counters(sqlite_database), rows(sqlite_database, name)
    everything = counts(sqlite_database)

    rebuild(lambda connection: rebuild_table(connection, metadata.tables[name]))

    after = schema(sqlite_database), counters(sqlite_database), rows(sqlite_database, name)
    assert after == before
    assert counts(sqlite_database) == everything


def widened(name: str) -> Table:
    """The table with one more column."""
    copy = metadata.tables[name].to_metadata(MetaData(naming_convention=metadata.naming_convention))
    copy.append_column(Column("colour", Text, nullable=False))
    return copy


def test_a_new_column_is_filled_from_the_old_row(
    sqlite_database: Database, rebuild: Callable[..., None]
) -> None:
    fill(sqlite_database)

    rebuild(
        lambda connection: rebuild_table(
            connection, widened("AuditLogs"), copied={"colour": "'was ' || action"}
        )
    )

    with sqlite_database.engine.connect() as connection:
        found = connection.scalar(text('SELECT colour FROM "AuditLogs"'))
    assert found == "was a name"
    assert counts(sqlite_database)["AuditPersonalData"] == 1


def test_what_guards_the_table_still_does(
    sqlite_database: Database, rebuild: Callable[..., None]
) -> None:
    fill(sqlite_database)

    rebuild(lambda connection: rebuild_table(connection, metadata.tables["AuditLogs"]))

    for statement in ('DELETE FROM "AuditLogs"', 'UPDATE "AuditLogs" SET action = action'):
        with pytest.raises(Exception, match="append-only"), sqlite_database.transaction() as tx:
            tx.connection.execute(text(statement))


def test_positions_used_once_are_not_used_again_even_if_the_table_is_empty(
    sqlite_database: Database, rebuild: Callable[..., None]
) -> None:
    fill(sqlite_database)
    with sqlite_database.engine.begin() as connection:
        connection.execute(text('DELETE FROM "SystemHealth"'))

    rebuild(lambda connection: rebuild_table(connection, metadata.tables["SystemHealth"]))
    fill_again(sqlite_database)

    assert rows(sqlite_database, "SystemHealth")[0][0] == 2


def fill_again(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text(
                'INSERT INTO "SystemHealth" (component, status, checked_at) '
                "VALUES ('x', 'up', '2026-01-01T00:00:00.000000Z')"
            )
        )


def test_an_index_can_be_left_out(sqlite_database: Database, rebuild: Callable[..., None]) -> None:
    before = schema(sqlite_database)

    rebuild(
        lambda connection: rebuild_table(
            connection, metadata.tables["Alerts"], drop=frozenset({"ix_Alerts_raised_at"})
        )
    )

    assert before.keys() - schema(sqlite_database).keys() == {"index ix_Alerts_raised_at"}


def test_foreign_keys_are_enforced_again_afterwards(
    sqlite_url: str, rebuild: Callable[..., None]
) -> None:
    rebuild(lambda connection: rebuild_table(connection, metadata.tables["BackgroundJobs"]))
    database = open_database(sqlite_url)

    orphan = (
        "INSERT INTO \"JobArtifacts\" VALUES ('gone', 'a', 1, 'p', zeroblob(32), 1, 'm', 'now')"
    )
    with pytest.raises(Exception, match="FOREIGN KEY"), database.transaction() as tx:
        tx.connection.execute(text(orphan))
    database.close()


def test_a_migration_that_loses_a_parent_is_rolled_back(
    sqlite_database: Database, rebuild: Callable[..., None]
) -> None:
    fill(sqlite_database)
    before = counts(sqlite_database)

    def lose(connection: Connection) -> None:
        connection.execute(text('DELETE FROM "BackgroundJobs"'))

    with pytest.raises(RuntimeError, match="without their parent"):
        rebuild(lose)

    assert counts(sqlite_database) == before
