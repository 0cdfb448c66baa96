"""`munshi db`: making, upgrading, checking and adopting a database."""

import json
import sqlite3
from pathlib import Path

import pytest

from command_line import Munshi, runner
from munshi.infrastructure.database.migrations import HEAD


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Munshi:
    """A home in which no database was made yet."""
    monkeypatch.chdir(tmp_path)
    return runner(tmp_path, "")


def run_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_new_database_is_made_seeded_and_as_expected(empty: Munshi) -> None:
    before = json.loads(empty("db", "current", "--json").stdout)
    made = empty("db", "upgrade")
    again = empty("db", "upgrade", "--json")
    checked = empty("db", "check")

    assert before == {"revision": None, "needed": HEAD, "is_current": False}
    assert made.stdout == f"The database is made, at {HEAD}.\n"
    assert json.loads(again.stdout) == {"before": HEAD, "after": HEAD, "settings_seeded": 0}
    assert (checked.exit_code, checked.stdout) == (
        0,
        "The database is as this version expects it.\n",
    )
    assert empty("db", "current").stdout == f"The database is at {HEAD}, as this version needs.\n"


def test_whoever_opens_the_table_sees_the_login_times(empty: Munshi, tmp_path: Path) -> None:
    empty("db", "upgrade")

    connection = sqlite3.connect(tmp_path / "munshi.db")
    rows = dict(
        connection.execute("SELECT config_key, config_value FROM SystemConfigurations").fetchall()
    )
    connection.close()

    assert json.loads(rows["schedule.kite_login"])["trigger"]["times"] == ["06:15", "07:35"]
    assert json.loads(rows["schedule.breeze_login"])["trigger"]["times"] == ["05:30", "08:30"]


def test_a_difference_is_named_and_ends_with_exit_code_1(munshi: Munshi, tmp_path: Path) -> None:
    run_sql(tmp_path / "munshi.db", 'DROP INDEX "ix_Alerts_raised_at"')

    shown = munshi("db", "check")
    document = munshi("db", "check", "--json")

    assert (shown.exit_code, document.exit_code) == (1, 1)
    assert "ix_Alerts_raised_at" in shown.stdout
    assert "differs in 1 place" in shown.stdout
    assert len(json.loads(document.stdout)["differences"]) == 1


def test_an_empty_database_cannot_be_checked(empty: Munshi) -> None:
    result = empty("db", "check")

    assert result.exit_code == 1
    assert "Run: munshi db upgrade" in result.stderr


def test_where_there_is_no_old_install_nothing_is_adopted(empty: Munshi) -> None:
    assert empty("db", "adopt").stdout == "There is nothing to adopt.\n"


def test_tables_of_an_old_install_are_left_alone_until_adopted(
    empty: Munshi, tmp_path: Path
) -> None:
    run_sql(
        tmp_path / "munshi.db",
        "CREATE TABLE AuthSessions (id INTEGER)",
        "INSERT INTO AuthSessions VALUES (7)",
    )

    refused = empty("db", "upgrade")
    adopted = empty("db", "adopt")
    upgraded = empty("db", "upgrade")

    assert refused.exit_code == 1
    assert "munshi db adopt" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert adopted.stdout.startswith("AuthSessions is now legacy_AuthSessions.\n")
    assert "log in again (munshi login)" in adopted.stdout
    assert "munshi db adopt --drop-legacy" in adopted.stdout
    assert upgraded.stdout == f"The database is at {HEAD} already.\n"
    connection = sqlite3.connect(tmp_path / "munshi.db")
    assert connection.execute("SELECT id FROM legacy_AuthSessions").fetchall() == [(7,)]
    connection.close()


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ([], "STRICT"),
        (["--dialect", "sqlite"], "STRICT"),
        (["--dialect", "postgresql"], "CREATE FUNCTION sp_GetActiveSession"),
        (["--dialect", "mssql"], "CREATE PROCEDURE sp_GetActiveSession"),
    ],
)
def test_the_script_is_printed_without_a_database(
    empty: Munshi, tmp_path: Path, words: list[str], holds: str
) -> None:
    result = empty("db", "sql", *words)

    assert result.exit_code == 0
    assert holds in result.stdout
    assert not (tmp_path / "munshi.db").exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://asha:hush@127.0.0.1:1/desk", "cannot be reached"),
        ("mysql://asha:hush@127.0.0.1/desk", "unsupported database, mysql"),
        ("Server=h;Password=hush", "names no Database"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)

    result = runner(tmp_path, url)("db", "upgrade")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert sentence in result.stderr
    assert "hush" not in result.stderr
