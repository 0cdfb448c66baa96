"""What stands in the way of a copy, and what is left when it is cut short."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, inspect, text

from crowd import OWNER
from databases import migrate_template
from desks import Desk, open_desk
from keeping.full_desk import copy_to, counts, opened, rows_of, stop_at
from munshi.domain.jobs import JobWorker, WorkerStatus
from munshi.errors import (
    CopyRowUnfitError,
    CopyTargetUnfitError,
    DatabaseForeignError,
    DatabaseInUseError,
    DatabaseStaleError,
    DatabaseUnfinishedError,
    DatabaseUnreachableError,
)
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.opening import check_revision
from munshi.settings import Settings

TESTS = Path(__file__).parents[1]
HomeSettings = Callable[[str], Settings]


class PulledPlugError(Exception):
    """Something went wrong in the middle."""


def pull() -> None:
    raise PulledPlugError


def tables(url: str) -> set[str]:
    with opened(url) as database, database.connected() as connection:
        return set(inspect(connection).get_table_names())


def copy_until_killed(desk: Desk, to: str, stage: str) -> None:
    settings = desk.services.settings
    url = settings.database_url.get_secret_value()
    ended = subprocess.run(
        [sys.executable, "-m", "keeping.copying_process", str(settings.home), url, to, stage],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL


def tampered(desk: Desk, *statements: str) -> None:
    """Change the database as somebody without Munshi might."""

    def run(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    with desk.services.database.transaction() as tx:
        run(tx.connection)


@pytest.mark.parametrize("stage", ["copy", "compare"])
def test_a_copy_that_was_killed_is_opened_by_nobody_and_can_be_made_again(
    sqlite_desk: Desk, new_url: str, stage: str
) -> None:
    copy_until_killed(sqlite_desk, new_url, stage)

    assert tables(new_url) == {VERSION_TABLE}
    with opened(new_url) as target:
        with pytest.raises(DatabaseUnfinishedError, match="munshi db copy"):
            check_revision(target)
        with pytest.raises(DatabaseUnfinishedError):
            migrate.upgrade(target)

    assert copy_to(sqlite_desk.services, new_url).trail.is_sound
    with opened(new_url) as target:
        check_revision(target)


def test_a_copy_killed_over_an_upgraded_database_can_be_made_again(
    sqlite_desk: Desk, new_url: str
) -> None:
    migrate_template(new_url)
    copy_until_killed(sqlite_desk, new_url, "compare")

    with opened(new_url) as target:
        with pytest.raises(DatabaseUnfinishedError):
            check_revision(target)
        assert counts(target)["Users"] == 0

    assert copy_to(sqlite_desk.services, new_url).tables["Users"] > 0


@pytest.mark.parametrize("stage", ["copy", "compare"])
def test_a_copy_that_fails_leaves_nothing(
    sqlite_desk: Desk, new_url: str, stage: str, tmp_path: Path
) -> None:
    with pytest.raises(PulledPlugError):
        copy_to(sqlite_desk.services, new_url, told=stop_at(stage, pull))

    if new_url.startswith("sqlite"):
        assert list(tmp_path.glob("copy.db*")) == []
    else:
        assert tables(new_url) == set()


def test_a_copy_that_fails_leaves_an_upgraded_database_as_it_was(
    sqlite_desk: Desk, new_url: str
) -> None:
    migrate_template(new_url)

    with pytest.raises(PulledPlugError):
        copy_to(sqlite_desk.services, new_url, told=stop_at("compare", pull))

    with opened(new_url) as target:
        check_revision(target)
        held = {name: count for name, count in counts(target).items() if count}
        assert held == {"CacheState": 1, "ConfigRevision": 1}


def test_a_database_just_upgraded_and_seeded_is_copied_over(
    sqlite_desk: Desk, new_url: str, home_settings: HomeSettings
) -> None:
    migrate_template(new_url)
    with open_desk(home_settings(new_url), sqlite_desk.simulator) as seeded:
        seeded.services.config.seed()
        seeded.services.ledger.seal()

    copied = copy_to(sqlite_desk.services, new_url)

    assert copied.trail.is_sound
    with opened(new_url) as target:
        assert counts(target)["Users"] == copied.tables["Users"] > 0


@pytest.mark.parametrize("what", ["setting", "job", "secret"])
def test_a_database_that_holds_anything_is_not_touched(
    sqlite_desk: Desk, new_url: str, home_settings: HomeSettings, what: str
) -> None:
    migrate_template(new_url)
    with open_desk(home_settings(new_url), sqlite_desk.simulator) as other:
        other.services.config.seed()
        if what == "setting":
            other.services.config.set("jobs", "keep_days", 30, actor=OWNER)
        elif what == "secret":
            other.services.config.set("auth", "kite.api_secret", "theirs", actor=OWNER)
        else:
            other.services.jobs.enqueue("session_cleanup", {}, actor=OWNER)
    with opened(new_url) as target:
        before = counts(target)

    with pytest.raises(CopyTargetUnfitError, match=r"is a desk already.*nothing was touched"):
        copy_to(sqlite_desk.services, new_url)

    with opened(new_url) as target:
        check_revision(target)
        assert counts(target) == before


def test_the_desks_own_database_is_refused(full_desk: Desk) -> None:
    url = full_desk.services.settings.database_url.get_secret_value()

    with pytest.raises(CopyTargetUnfitError, match="is the database that this desk uses"):
        copy_to(full_desk.services, url)

    check_revision(full_desk.services.database)


def test_another_spelling_of_the_same_file_is_refused(sqlite_desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "munshi.db")

    with pytest.raises(CopyTargetUnfitError, match="is the database that this desk uses"):
        copy_to(sqlite_desk.services, f"sqlite:///{tmp_path}/link.db")


def test_a_folder_that_is_not_there_is_named(sqlite_desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(CopyTargetUnfitError, match=f"There is no folder {tmp_path}/none"):
        copy_to(sqlite_desk.services, f"sqlite:///{tmp_path}/none/copy.db")


def test_sql_server_is_refused(sqlite_desk: Desk) -> None:
    with pytest.raises(CopyTargetUnfitError, match="Only SQLite and PostgreSQL"):
        copy_to(sqlite_desk.services, "mssql://sa@127.0.0.1/munshi")


def test_a_server_that_does_not_answer_is_unreachable(sqlite_desk: Desk, unused_port: int) -> None:
    with pytest.raises(DatabaseUnreachableError):
        copy_to(sqlite_desk.services, f"postgresql://munshi@127.0.0.1:{unused_port}/munshi")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_target_at_an_older_revision_is_refused(sqlite_desk: Desk, new_url: str) -> None:
    with opened(new_url) as target:
        migrate.upgrade(target, migrate.revisions()[-2])

    with pytest.raises(DatabaseStaleError, match="The database to copy to is at revision"):
        copy_to(sqlite_desk.services, new_url)


def test_tables_of_somebody_else_are_not_touched(sqlite_desk: Desk, new_url: str) -> None:
    with opened(new_url) as target, target.transaction() as tx:
        tx.connection.execute(text('CREATE TABLE "AuditLogs" (id INTEGER)'))

    with pytest.raises(DatabaseForeignError):
        copy_to(sqlite_desk.services, new_url)

    assert tables(new_url) == {"AuditLogs"}


def test_a_worker_that_lives_is_in_the_way_and_a_killed_one_only_for_a_while(
    full_desk: Desk, new_url: str
) -> None:
    now = full_desk.clock.now()
    with full_desk.services.database.transaction() as tx:
        tx.queues.save_worker(
            JobWorker(
                worker_id="here:4711",
                host="here",
                process_id=4711,
                status=WorkerStatus.WORKING,
                threads=4,
                running=0,
                abandoned=0,
                started_at=now,
                heartbeat_at=now,
            )
        )

    with pytest.raises(DatabaseInUseError, match="process 4711 on here"):
        copy_to(full_desk.services, new_url)
    full_desk.clock.advance(timedelta(seconds=31))

    assert copy_to(full_desk.services, new_url).trail.is_sound


def test_nobody_writes_to_a_desk_while_it_is_copied(full_desk: Desk, new_url: str) -> None:
    url = full_desk.services.settings.database_url.get_secret_value()
    statement = 'UPDATE "ConfigRevision" SET revision = revision + 1'
    refused: list[str] = []

    def write() -> None:
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.1)) as file:
                file.execute(statement)
                file.commit()
            return
        with psycopg.connect(url, options="-c lock_timeout=100") as server:
            server.execute(statement)

    def try_to_write() -> None:
        try:
            write()
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable) as error:
            refused.append(str(error))

    copied = copy_to(full_desk.services, new_url, told=stop_at("compare", try_to_write))

    assert len(refused) == 1
    assert "lock" in refused[0]
    assert copied.trail.is_sound
    write()


def test_whoever_writes_and_does_not_end_is_waited_for_no_longer_than_seconds(
    postgresql_url: str,
    home_settings: HomeSettings,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    simulator = request.getfixturevalue("simulator")
    with (
        open_desk(home_settings(postgresql_url), simulator) as desk,
        psycopg.connect(postgresql_url) as other,
    ):
        other.execute('DELETE FROM "Alerts"')

        with pytest.raises(DatabaseInUseError, match="does not come to an end"):
            copy_to(desk.services, f"sqlite:///{tmp_path}/copy.db")

    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE \"Alerts\" SET kind = printf('%060d', 1)",
            r"Alerts, row id [0-9a-f-]{36}, column kind: text of 60 characters, and 50",
        ),
        (
            "UPDATE \"Alerts\" SET title = 'a' || char(0) || 'b'",
            r"Alerts, row id [0-9a-f-]{36}, column title: text with a NUL character",
        ),
        (
            "UPDATE \"Instruments\" SET strike = '25000.00005'",
            r"Instruments, row instrument_id [0-9a-f-]{36}, column strike: the amount 25000.00005",
        ),
        (
            'UPDATE "JobLogs" SET fields = \'{"a":[NaN]}\'',
            r"JobLogs, row job_id [0-9a-f-]{36}, .*line \d+, column fields: the number nan",
        ),
        (
            "UPDATE \"CacheUse\" SET namespace = namespace || printf('%0300d', 1)",
            r"CacheUse, row day .*, namespace .*, column namespace: text of",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_nothing_is_left(
    sqlite_desk: Desk, postgres_database: Callable[[str], str], change: str, said: str
) -> None:
    url = postgres_database(f"unfit_{uuid4().hex[:12]}")
    tampered(sqlite_desk, change)

    with pytest.raises(CopyRowUnfitError, match=said):
        copy_to(sqlite_desk.services, url)

    assert tables(url) == set()


def test_what_only_postgresql_refuses_is_no_trouble_between_files(
    sqlite_desk: Desk, tmp_path: Path
) -> None:
    tampered(sqlite_desk, "UPDATE \"Alerts\" SET title = 'a' || char(0) || 'b'")

    copy_to(sqlite_desk.services, f"sqlite:///{tmp_path}/copy.db")

    with opened(f"sqlite:///{tmp_path}/copy.db") as target:
        titles = {row.title for row in rows_of(target, metadata.tables["Alerts"])}
    assert titles == {"a\0b"}


def test_a_row_without_its_parent_is_refused(sqlite_desk: Desk, new_url: str) -> None:
    with closing(sqlite3.connect(sqlite_desk.services.settings.home / "munshi.db")) as file:
        file.execute("UPDATE ApiKeys SET user_id = 'b0a5f6d2-0000-4000-8000-000000000000'")
        file.commit()

    with pytest.raises(CopyRowUnfitError, match=r"ApiKeys: .*(refused.*fk_ApiKeys|one of Users)"):
        copy_to(sqlite_desk.services, new_url)

    with pytest.raises(DatabaseStaleError, match="is empty"), opened(new_url) as target:
        check_revision(target)


def test_a_trail_that_was_tampered_with_is_copied_as_it_is_and_told(
    sqlite_desk: Desk, new_url: str
) -> None:
    services = sqlite_desk.services
    services.ledger.seal()
    changed = min(row.id for row in rows_of(services.database, metadata.tables["AuditLogs"]))
    tampered(
        sqlite_desk,
        'DROP TRIGGER "tr_AuditLogs_no_update"',
        f"UPDATE \"AuditLogs\" SET user_id = 'nobody' WHERE id = {changed}",
    )

    copied = copy_to(services, new_url)

    assert not copied.trail.is_sound
    assert f"Row {changed}" in copied.trail.findings[0].detail
