"""Migrated databases for tests: copied, never migrated anew, on SQLite and PostgreSQL alike."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

from clocks import FakeClock
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.security.master_keys import KeyRing
from munshi.infrastructure.security.purposes import Purpose
from munshi.infrastructure.security.vault import Vault
from postgres import PostgresServer

MSSQL_URL = "MUNSHI_TEST_MSSQL_URL"
KINDS = ["sqlite", "postgresql", *(["mssql"] if os.environ.get(MSSQL_URL) else [])]
# A Friday, 10:00 IST, in the middle of a trading session.
FRIDAY_TEN_IST = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
TEST_RING = KeyRing(active="aa" * 8, keys={"aa" * 8: b"k" * 32})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(FRIDAY_TEN_IST)


@pytest.fixture
def vault() -> Vault:
    return lone_vault()


def lone_vault(ring: KeyRing = TEST_RING) -> Vault:
    """A vault that no database stands behind, with new data keys."""
    made = Vault(ring)
    made.learn(made.make_key(purpose) for purpose in Purpose)
    return made


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "munshi.db"
    database = Database(parse_database_url(f"sqlite:///{path}", home=path.parent))
    migrate.upgrade(database)
    database.close()  # the last connection folds the write-ahead log into the file
    return path


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated SQLite file of this test's own."""
    path = tmp_path / "munshi.db"
    shutil.copy(migrated_file, path)
    return f"sqlite:///{path}"


def migrate_template(url: str) -> None:
    database = Database(parse_database_url(url, home=Path()))
    migrate.upgrade(database)
    database.close()


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    template = postgres_server.make_template("munshi_migrated", migrate_template)
    name = f"test_{uuid4().hex[:12]}"
    yield postgres_server.create_database(name, template=template)
    postgres_server.drop_database(name)


@pytest.fixture
def mssql_url() -> Iterator[str]:
    """A migrated database of this test's own, on the SQL Server of MUNSHI_TEST_MSSQL_URL."""
    server = parse_database_url(os.environ[MSSQL_URL], home=Path())
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"munshi_test_{uuid4().hex[:12]}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE [{name}]")
    url = server.set(database=name).render_as_string(hide_password=False)
    migrate_template(url)
    yield url
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE [{name}]")
    engine.dispose()


@pytest.fixture(params=KINDS)
def any_database_url(request: pytest.FixtureRequest) -> str:
    """The same test on both databases, and on SQL Server where one is named."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def open_database(url: str) -> Database:
    database = Database(parse_database_url(url, home=Path()))
    database.unlock(Vault(TEST_RING))
    return database


@pytest.fixture
def database(any_database_url: str) -> Iterator[Database]:
    """An unlocked, migrated database; the test runs once on each kind."""
    opened = open_database(any_database_url)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database in which nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    make: Callable[..., str] = request.getfixturevalue("postgres_database")
    return make(f"empty_{uuid4().hex[:12]}")


@pytest.fixture
def empty_database(empty_url: str) -> Iterator[Database]:
    opened = open_database(empty_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[Database]:
    opened = open_database(postgresql_url)
    yield opened
    opened.close()
