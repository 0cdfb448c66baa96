"""Transactions: short, never nested, durable where promised, and clear when the database goes."""

import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError

from munshi.clock import SystemClock
from munshi.errors import (
    DatabaseUnreachableError,
    TransactionNestedError,
    TransactionOpenError,
    VaultKeyInvalidError,
)
from munshi.infrastructure.database.engine import Database, make_engine
from munshi.infrastructure.database.url import parse_database_url


def revision(database: Database) -> int:
    with database.reading() as tx:
        return tx.config.get_revision()


def bump(database: Database) -> None:
    with database.transaction() as tx:
        tx.connection.execute(text('UPDATE "ConfigRevision" SET revision = revision + 1'))


def test_a_transaction_commits_at_its_end_and_not_when_it_fails(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            tx.connection.execute(text('UPDATE "ConfigRevision" SET revision = 99'))
            raise LookupError

    bump(database)
    with pytest.raises(LookupError):
        fail()

    assert revision(database) == 1


@pytest.mark.parametrize("outer", ["transaction", "reading", "operational"])
@pytest.mark.parametrize("inner", ["transaction", "reading", "operational"])
def test_a_transaction_inside_another_is_refused(
    sqlite_database: Database, outer: str, inner: str
) -> None:
    with getattr(sqlite_database, outer)() as _, pytest.raises(TransactionNestedError):
        getattr(sqlite_database, inner)().__enter__()

    bump(sqlite_database)
    assert revision(sqlite_database) == 1


def test_the_guard_refuses_inside_a_transaction_and_passes_outside(database: Database) -> None:
    database.refuse_in_transaction()

    with database.reading(), pytest.raises(TransactionOpenError):
        database.refuse_in_transaction()

    database.refuse_in_transaction()


def test_another_thread_is_not_inside_this_ones_transaction(database: Database) -> None:
    with database.reading(), ThreadPoolExecutor(1) as pool:
        other = pool.submit(revision, database).result(20)

    assert other == 0


def test_reading_sees_one_state_while_others_write(database: Database) -> None:
    with database.reading() as tx:
        before = tx.config.get_revision()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(bump, database).result(20)
        after = tx.config.get_revision()

    assert (before, after) == (0, 0)
    assert revision(database) == 1


def test_what_was_written_operationally_is_there(database: Database) -> None:
    with database.operational() as tx:
        tx.connection.execute(text('UPDATE "ConfigRevision" SET revision = 7'))

    assert revision(database) == 7


PRAGMAS = {
    "journal_mode": "wal",
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "busy_timeout": 30_000,
}


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_sqlite_connections_are_as_we_need_them(
    tmp_path: Path, *, durable: bool, synchronous: int
) -> None:
    engine = make_engine(make_url(f"sqlite:///{tmp_path}/x.db"), durable=durable)

    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in (*PRAGMAS, "synchronous")
        }
    engine.dispose()

    assert found == {**PRAGMAS, "synchronous": synchronous}


def test_a_sqlite_writer_takes_its_lock_at_the_beginning(sqlite_database: Database) -> None:
    other = sqlite3.connect(str(sqlite_database.url.database), timeout=0)

    with (
        sqlite_database.transaction(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    with sqlite_database.reading():
        other.execute("BEGIN IMMEDIATE")

    other.close()


def test_without_the_vault_no_secret_can_be_asked_for(sqlite_url: str) -> None:
    database = Database(parse_database_url(sqlite_url, home=Path()))

    with pytest.raises(VaultKeyInvalidError), database.transaction() as tx:
        tx.config.set_config(
            "auth", "kite.password", "x", is_secret=True, updated_by="asha", now=SystemClock().now()
        )

    database.close()


def fails(text_of_url: str) -> DatabaseUnreachableError:
    database = Database(parse_database_url(text_of_url, home=Path()))
    with pytest.raises(DatabaseUnreachableError) as failure, database.reading():
        pytest.fail("the database was reached")
    database.close()
    return failure.value


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://asha:hush-hush@127.0.0.1:1/desk?connect_timeout=2",
        "postgresql://127.0.0.1:1/desk?user=asha&password=hush-hush&connect_timeout=2",
    ],
)
def test_a_server_that_is_not_there_is_one_sentence_without_the_password(url: str) -> None:
    failure = fails(url)

    assert "127.0.0.1:1/desk cannot be reached" in failure.detail
    assert "MUNSHI_DATABASE_URL" in str(failure)
    assert "hush" not in str(failure)
    assert "\n" not in str(failure)


def test_a_wrong_password_is_one_sentence_without_it(postgresql_url: str) -> None:
    url = make_url(postgresql_url).set(password="hush-hush")

    failure = fails(url.render_as_string(hide_password=False))

    assert "authentication failed" in failure.detail
    assert "hush" not in str(failure)


def test_a_folder_that_is_not_there_and_a_file_that_is_no_database_say_so(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Sir, " * 200)

    missing = fails(f"sqlite:///{tmp_path}/missing/x.db")
    letter = fails(f"sqlite:///{tmp_path}/letter.db")

    assert "unable to open database file" in missing.detail
    assert "file is not a database" in letter.detail


def test_a_server_lost_in_the_middle_is_unreachable_and_the_next_transaction_works(
    postgresql_database: Database,
) -> None:
    end = "SELECT pg_terminate_backend(:pid)"

    def lose() -> None:
        with postgresql_database.transaction() as tx:
            pid = tx.connection.scalar(text("SELECT pg_backend_pid()"))
            with postgresql_database.engine.connect() as other:
                other.execute(text(end), {"pid": pid})
            tx.config.get_revision()

    with pytest.raises(DatabaseUnreachableError, match="cannot be reached"):
        lose()

    assert revision(postgresql_database) == 0


def test_a_wrong_statement_is_not_mistaken_for_a_lost_database(database: Database) -> None:
    with pytest.raises(DBAPIError, match="NoSuchTable"), database.reading() as tx:
        tx.connection.execute(text('SELECT 1 FROM "NoSuchTable"'))


def test_a_file_that_stays_locked_is_reported_as_busy(sqlite_database: Database) -> None:
    def hurry(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 1")

    event.listen(sqlite_database.engine, "checkout", hurry)
    other = sqlite3.connect(str(sqlite_database.url.database))
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnreachableError, match="locked") as failure:
        bump(sqlite_database)
    other.close()

    assert failure.value.retryable


def test_an_errors_text_holds_no_parameters(database: Database) -> None:
    with pytest.raises(DBAPIError) as failure, database.reading() as tx:
        tx.connection.execute(text('SELECT 1 FROM "Missing" WHERE x = :x'), {"x": "hush-hush"})

    assert "hush" not in str(failure.value)


def test_a_driver_that_is_not_installed_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mssql_python", None)

    with pytest.raises(DatabaseUnreachableError, match=r"pip install 'munshi\[mssql\]'"):
        Database(parse_database_url("Server=h;Database=d", home=Path()))


def test_postgresql_ends_a_transaction_that_its_process_forgot(
    postgresql_database: Database,
) -> None:
    with postgresql_database.reading() as tx:
        limit = tx.connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()

    assert limit == "30s"
