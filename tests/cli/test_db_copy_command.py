"""`munshi db copy`: what it says while it copies a desk, afterwards, and when it cannot."""

import json
from collections.abc import Callable
from pathlib import Path

from command_line import Munshi, runner
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url


def test_a_desk_moves_to_a_server_and_is_told_what_to_do_next(
    munshi: Munshi, tmp_path: Path, postgres_database: Callable[[str], str]
) -> None:
    url = postgres_database("moved")
    munshi("config", "set", "jobs", "keep_days", "9")

    moved = munshi("db", "copy", "--to", url)

    assert moved.exit_code == 0
    assert "SystemConfigurations" in moved.stdout
    assert "each read back and compared" in moved.stdout
    assert "MUNSHI_DATABASE_URL (in the environment or .env) to postgresql://" in moved.stdout
    assert "The old database was left as it is." in moved.stdout
    there = runner(tmp_path, url)
    assert "9" in there("config", "get", "jobs", "keep_days").stdout
    assert there("db", "check").exit_code == 0
    assert there("audit", "verify").exit_code == 0


def test_a_desk_moves_back_and_says_so_as_json(
    munshi: Munshi, tmp_path: Path, postgres_database: Callable[[str], str]
) -> None:
    url = postgres_database("moved_back")
    munshi("config", "set", "jobs", "keep_days", "9")
    munshi("db", "copy", "--to", url)
    there = runner(tmp_path, url)

    moved = there("db", "copy", "--to", f"sqlite:///{tmp_path}/back.db", "--json")

    document = json.loads(moved.stdout)
    assert document["to"] == f"sqlite:///{tmp_path}/back.db"
    assert document["tables"]["SystemConfigurations"] > 0
    assert document["rows"] == sum(document["tables"].values())
    assert document["trail"]["sound"] is True
    assert (tmp_path / "back.db").stat().st_mode & 0o077 == 0
    back = runner(tmp_path, f"sqlite:///{tmp_path}/back.db")
    assert "9" in back("config", "get", "jobs", "keep_days").stdout


def test_a_trail_that_was_changed_ends_with_exit_code_1(
    munshi: Munshi, tmp_path: Path, sqlite_url: str
) -> None:
    munshi("config", "set", "jobs", "keep_days", "9")
    munshi("audit", "seal")
    database = Database(parse_database_url(sqlite_url, home=tmp_path))
    with database.engine.begin() as connection:
        connection.exec_driver_sql('DROP TRIGGER "tr_AuditLogs_no_update"')
        connection.exec_driver_sql("UPDATE \"AuditLogs\" SET user_id = 'nobody' WHERE id = 1")
    database.close()

    copied = munshi("db", "copy", "--to", f"sqlite:///{tmp_path}/copy.db", "--json")

    assert copied.exit_code == 1
    assert json.loads(copied.stdout)["trail"]["sound"] is False
    assert "NOT AS IT WAS SEALED" in copied.stderr


def test_an_address_nobody_answers_at_is_named_without_its_password(munshi: Munshi) -> None:
    refused = munshi("db", "copy", "--to", "postgresql://munshi:hush@127.0.0.1:1/munshi")

    assert refused.exit_code == 1
    assert "cannot be reached" in refused.stderr
    assert "Check the address in --to and that the server runs." in refused.stderr
    assert "hush" not in refused.stderr


def test_an_address_that_cannot_be_understood_is_refused(munshi: Munshi) -> None:
    refused = munshi("db", "copy", "--to", "oracle://somewhere")

    assert refused.exit_code == 1
    assert "--to names an unsupported database, oracle." in refused.stderr


def test_a_desk_at_an_older_revision_is_upgraded_first(
    tmp_path: Path, postgres_database: Callable[[str], str]
) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    database = Database(parse_database_url(url, home=tmp_path))
    migrate.upgrade(database, migrate.revisions()[-2])
    database.close()

    refused = runner(tmp_path, url)("db", "copy", "--to", postgres_database("from_old"))

    assert refused.exit_code == 1
    assert "Run: munshi db upgrade" in refused.stderr


def test_a_database_that_is_a_desk_is_refused(munshi: Munshi, tmp_path: Path) -> None:
    to = f"sqlite:///{tmp_path}/copy.db"
    munshi("db", "copy", "--to", to)

    refused = munshi("db", "copy", "--to", to)

    assert refused.exit_code == 1
    assert "is a desk already" in refused.stderr
    assert "Traceback" not in refused.stderr
