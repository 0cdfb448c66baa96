"""What cannot work is one line on stderr and an exit code, and leaves nothing half-done."""

import base64
import re
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from munshi.infrastructure.security.binding import KEY_BYTES
from processes import environment, run_munshi

# Whatever a test's database URL holds, this must not be seen.
PASSWORD = "canary-database-password"
OLDER = "2026_11_22_first_tables"


def assert_one_line(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(rf"munshi: [^\n]*{said}[^\n]*\n", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("MUNSHI_PORT", "eighty", r"MUNSHI_PORT: Input should be a valid integer"),
        ("MUNSHI_BROKERS", "paper", r"MUNSHI_BROKERS: Input should be 'simulated' or 'live'"),
        ("MUNSHI_LOG_LEVEL", "chatty", r"MUNSHI_LOG_LEVEL: "),
        ("MUNSHI_MASTER_KEY", PASSWORD, r"key"),
        ("MUNSHI_DATABASE_URL", f"ftp://munshi:{PASSWORD}@localhost/desk", r"MUNSHI_DATABASE_URL"),
        (
            "MUNSHI_DATABASE_URL",
            f"postgresql://munshi:{PASSWORD}@127.0.0.1:9/desk",
            r"postgresql.*127\.0\.0\.1:9/desk cannot be reached: .* Check MUNSHI_DATABASE_URL",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, setting: str, value: str, said: str
) -> None:
    done = run_munshi("status", env=environment(tmp_path, **{setting: value}), cwd=tmp_path)

    assert_one_line(done, said)
    assert PASSWORD not in done.stderr


@pytest.mark.parametrize("words", [("status",), ("serve", "--port", "0"), ("demo", "--once")])
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    home = tmp_path / "file" / "home"
    home.parent.write_text("no folder")
    env = environment(home, MUNSHI_DEMO_HOME=str(home))

    done = run_munshi(*words, env=env, cwd=tmp_path)

    assert_one_line(done, re.escape(str(home)))
    assert home.parent.read_text() == "no folder"


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_said_before_anything_is_started(tmp_path: Path, command: str) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = environment(home, MUNSHI_DEMO_HOME=str(home))
        done = run_munshi(command, "--port", port, env=env, cwd=tmp_path)

    assert_one_line(done, rf"cannot listen on 127\.0\.0\.1:{port}: .*--port")
    assert not home.exists()


def test_listening_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"

    done = run_munshi("serve", "--host", "0.0.0.0", env=environment(home), cwd=tmp_path)  # noqa: S104

    assert_one_line(done, r"Listening on 0\.0\.0\.0 is refused")
    assert not home.exists()


@pytest.mark.usefixtures("sqlite_url")  # it stands where the embedded database does
def test_a_stale_database_names_the_command_that_mends_it(tmp_path: Path) -> None:
    change(tmp_path / "munshi.db", f"UPDATE munshi_revision SET version_num = '{OLDER}'")

    done = run_munshi("serve", "--port", "0", env=environment(tmp_path), cwd=tmp_path)

    assert_one_line(done, rf"is at revision {OLDER}; .* Run: munshi db upgrade")


def test_somebody_elses_tables_are_left_alone(tmp_path: Path) -> None:
    change(tmp_path / "munshi.db", "CREATE TABLE AuditLogs (Id INTEGER)")

    done = run_munshi("serve", "--port", "0", env=environment(tmp_path), cwd=tmp_path)

    assert_one_line(done, r"AuditLogs, which Munshi did not make; .*munshi db adopt")
    assert tables(tmp_path / "munshi.db") == ["AuditLogs"]


def test_another_key_than_the_one_that_sealed_is_refused(tmp_path: Path) -> None:
    first = run_munshi("status", env=environment(tmp_path), cwd=tmp_path)
    other = base64.b64encode(bytes(KEY_BYTES)).decode()

    done = run_munshi("status", env=environment(tmp_path, MUNSHI_MASTER_KEY=other), cwd=tmp_path)

    assert first.returncode == 0
    assert_one_line(done, r"key")
    assert other not in done.stderr


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "munshi.db").write_bytes(b"not a database " * 600)

    done = run_munshi("status", env=environment(tmp_path), cwd=tmp_path)

    assert_one_line(done, r"munshi\.db is no SQLite database: file is not a database")
    assert (tmp_path / "munshi.db").read_bytes() == b"not a database " * 600


@pytest.mark.usefixtures("sqlite_url")
def test_what_nobody_foresaw_is_one_line_too_and_debug_says_where(tmp_path: Path) -> None:
    change(tmp_path / "munshi.db", "DROP TABLE Alerts")
    env = environment(tmp_path)

    done = run_munshi("status", env=env, cwd=tmp_path)
    told = run_munshi("status", env={**env, "MUNSHI_LOG_LEVEL": "DEBUG"}, cwd=tmp_path)

    assert_one_line(done, r"failed inside Munshi: .*no such table: Alerts")
    assert told.stderr.startswith("Traceback")
    assert told.stderr.endswith(done.stderr)


def test_a_folder_of_candles_that_is_not_there_is_named(tmp_path: Path) -> None:
    env = environment(tmp_path / "home", MUNSHI_DEMO_HOME=str(tmp_path / "home"))

    done = run_munshi("demo", "--once", "--data", "nowhere", env=env, cwd=tmp_path)

    assert_one_line(done, r"nowhere")


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def tables(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    return names
