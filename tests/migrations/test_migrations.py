"""The one history: up, down, without drift, alone, whole, and never over somebody else's tables."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from databases import open_database
from munshi.errors import DatabaseForeignError, DatabaseStaleError
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import HEAD, VERSION_TABLE
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.opening import check_revision
from munshi.infrastructure.database.revision import current_revision, is_current
from schemas import counts, fill, schema

LONGEST_REVISION = 32  # the width of Alembic's column
UPGRADE = """
import sys
from pathlib import Path
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url

migrate.upgrade(Database(parse_database_url(sys.argv[1], home=Path())))
"""


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def run(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_revision_named_in_the_code_is_the_newest_of_the_history() -> None:
    assert migrate.revisions()[-1] == HEAD


def test_revisions_are_dated_named_short_and_stand_in_the_file_of_their_name() -> None:
    folder = Path(migrate.__file__).parent / "migrations" / "versions"

    files = {path.stem for path in folder.glob("2*.py")}

    assert files == set(migrate.revisions())
    assert all(len(name) <= LONGEST_REVISION for name in files)
    dates = [name[:10] for name in migrate.revisions()]
    assert dates == sorted(dates)


def test_an_empty_database_has_no_revision_and_is_refused_with_the_command(
    empty_database: Database,
) -> None:
    assert current_revision(empty_database) is None
    with pytest.raises(DatabaseStaleError, match="munshi db upgrade"):
        check_revision(empty_database)


def test_upgrading_brings_every_table_and_no_drift(empty_database: Database) -> None:
    migrate.upgrade(empty_database)

    assert tables(empty_database) == {*metadata.tables, VERSION_TABLE}
    assert migrate.differences(empty_database) == []
    assert is_current(empty_database)
    check_revision(empty_database)


def test_the_history_makes_what_the_models_say(empty_database: Database) -> None:
    metadata.create_all(empty_database.engine)
    modelled = schema(empty_database)
    metadata.drop_all(empty_database.engine)

    migrate.upgrade(empty_database)

    migrated = schema(empty_database)
    differing = modelled.keys() ^ migrated.keys()
    differing |= {
        name for name in modelled.keys() & migrated.keys() if modelled[name] != migrated[name]
    }
    by_hand = ("trigger", "function", "xid8", VERSION_TABLE)
    assert [name for name in differing if not any(word in name for word in by_hand)] == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    fill(database)
    before = schema(database), counts(database)

    migrate.upgrade(database)

    assert (schema(database), counts(database)) == before


@pytest.mark.parametrize("revision", migrate.revisions())
def test_a_filled_database_of_every_revision_ends_up_as_a_fresh_one(
    database: Database, revision: str
) -> None:
    fresh = schema(database)
    migrate.downgrade(database, "base")
    migrate.upgrade(database, revision)
    filled = fill(database)

    migrate.upgrade(database)

    after = counts(database)
    assert schema(database) == fresh
    assert {name: after[name] for name in filled} == filled
    # Triggers add a row there for each of some tables.
    filled.pop("CacheTableChanges", None)
    assert all(count == 1 for count in filled.values())


def test_going_down_leaves_nothing_of_ours(database: Database) -> None:
    migrate.downgrade(database, "base")

    left = schema(database)
    assert tables(database) == {VERSION_TABLE}
    assert current_revision(database) is None
    assert [name for name in left if "trigger" in name or "function" in name] == []


@pytest.mark.parametrize("revision", migrate.revisions())
def test_down_to_every_revision_and_up_again_is_as_before(
    database: Database, revision: str
) -> None:
    fresh = schema(database)

    migrate.downgrade(database, revision)
    stood_at = current_revision(database)
    migrate.upgrade(database)

    assert stood_at == revision
    assert schema(database) == fresh


@pytest.mark.parametrize(
    "planted",
    [
        'DROP INDEX "uq_AuthSessions_active"',
        'DROP INDEX "ix_Alerts_raised_at"',
        'ALTER TABLE "Alerts" ADD COLUMN colour TEXT',
        'ALTER TABLE "Alerts" DROP COLUMN subject',
        'DROP TABLE "SystemHealth"',
    ],
)
def test_drift_is_noticed(database: Database, planted: str) -> None:
    run(database, planted)

    assert migrate.differences(database) != []


def test_a_migration_that_fails_leaves_nothing_half_made(empty_database: Database) -> None:
    run(empty_database, "CREATE TABLE x (y TEXT)", 'CREATE INDEX "uq_AuditLogs_leaf" ON x (y)')

    with pytest.raises(DBAPIError):
        migrate.upgrade(empty_database)

    assert tables(empty_database) == {"x"}
    assert current_revision(empty_database) is None


def test_two_processes_that_upgrade_at_once_both_succeed(empty_url: str) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, empty_url], stderr=subprocess.PIPE)
        for _ in range(2)
    ]

    said = [process.communicate(timeout=120)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    database = open_database(empty_url)
    assert migrate.differences(database) == []
    database.close()


OLD_TABLE = 'CREATE TABLE "AuthSessions" (id INTEGER PRIMARY KEY, service_type TEXT)'
OLD_ROW = "INSERT INTO \"AuthSessions\" VALUES (7, 'breeze')"


def test_tables_of_our_names_that_are_not_ours_are_left_alone(empty_database: Database) -> None:
    run(empty_database, OLD_TABLE, OLD_ROW)
    before = schema(empty_database)

    for refused in (migrate.upgrade, check_revision):
        with pytest.raises(DatabaseForeignError, match=r"AuthSessions.*munshi db adopt"):
            refused(empty_database)

    assert schema(empty_database) == before


def test_adopting_keeps_them_beside_ours(empty_database: Database) -> None:
    run(empty_database, OLD_TABLE, OLD_ROW)

    adopted = migrate.adopt(empty_database)
    migrate.upgrade(empty_database)

    with empty_database.engine.connect() as connection:
        kept = connection.execute(text('SELECT * FROM "legacy_AuthSessions"')).all()
    assert adopted == ["AuthSessions"]
    assert kept == [(7, "breeze")]
    assert is_current(empty_database)
    assert migrate.adopt(empty_database) == []


def test_adopting_does_not_overwrite_what_was_adopted_before(empty_database: Database) -> None:
    run(empty_database, OLD_TABLE, 'CREATE TABLE "legacy_AuthSessions" (x INTEGER)')

    with pytest.raises(DatabaseForeignError, match="already holds legacy_AuthSessions"):
        migrate.adopt(empty_database)

    assert tables(empty_database) == {"AuthSessions", "legacy_AuthSessions"}


def test_adopting_moves_old_procedures_aside_on_postgresql(
    postgres_database: Callable[..., str],
) -> None:
    database = open_database(postgres_database("old_procedures"))
    run(
        database,
        OLD_TABLE,
        "CREATE FUNCTION sp_GetActiveSession(service text DEFAULT 'x', account text DEFAULT 'y', "
        "mode text DEFAULT 'z', now timestamptz DEFAULT now()) "
        "RETURNS int LANGUAGE sql AS 'SELECT 42'",
    )

    migrate.adopt(database)
    migrate.upgrade(database)

    with database.engine.connect() as connection:
        old = connection.scalar(text("SELECT legacy_sp_getactivesession()"))
        new = connection.execute(text("SELECT * FROM sp_GetActiveSession('kite')")).all()
    database.close()
    assert (old, new) == (42, [])
