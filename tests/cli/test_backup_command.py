"""`munshi backup`: what it asks, says and ends with."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import Result

from command_line import Munshi, runner

PASSPHRASE = "four clerks count rice\n"
SECRET = "hush-hush-hush"


@pytest.fixture
def backup(munshi: Munshi, tmp_path: Path) -> Path:
    munshi("config", "set", "auth", "kite.password", typed=f"{SECRET}\n")
    path = tmp_path / "desk.tar"
    done = munshi("backup", "create", "--to", str(path), "--passphrase-stdin", typed=PASSPHRASE)
    assert done.exit_code == 0, done.output
    return path


def put_back(backup: Path, home: Path, *options: str, typed: str = PASSPHRASE) -> Result:
    words = ("backup", "restore", str(backup), "--passphrase-stdin", *options)
    return runner(home, "")(*words, typed=typed)


def test_a_backup_is_made_checked_and_restored_into_another_home(
    munshi: Munshi, backup: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"

    checked = munshi("backup", "verify", str(backup), "--passphrase-stdin", typed=PASSPHRASE)
    done = put_back(backup, tmp_path / "unused", "--into", str(new))

    assert (checked.exit_code, done.exit_code) == (0, 0), done.output
    assert "It is whole." in checked.stdout
    assert "The passphrase opens master key" in checked.stdout
    assert "Nothing was changed." in done.stdout
    assert f"MUNSHI_HOME={new}" in done.stdout
    assert not (tmp_path / "unused").exists()
    assert runner(new, "")("config", "get", "auth", "kite.password").stdout == "(set)\n"
    assert runner(new, "")("audit", "verify").exit_code == 0


def test_json_tells_the_same(munshi: Munshi, backup: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    words = ("backup", "create", "--to", str(folder), "--passphrase-stdin", "--json")

    made = json.loads(munshi(*words, typed=PASSPHRASE).stdout)
    checked = json.loads(munshi("backup", "verify", str(backup), "--json").stdout)
    restored = json.loads(put_back(backup, tmp_path / "new", "--json").stdout)

    assert Path(made["file"]).parent == folder
    assert (checked["whole"], checked["keys_opened"]) == (True, False)
    assert (restored["audit"]["sound"], restored["resumed"]) == (True, False)
    assert restored["backup_id"] == checked["backup_id"] != made["backup_id"]


def test_a_new_passphrase_is_asked_for_twice_and_a_weak_one_makes_nothing(
    munshi: Munshi, tmp_path: Path
) -> None:
    to = tmp_path / "desk.tar"

    typed_twice = munshi("backup", "create", "--to", str(to), typed=PASSPHRASE * 2)
    weak = munshi(
        "backup", "create", "--to", str(tmp_path / "w.tar"), "--passphrase-stdin", typed="weak\n"
    )

    assert typed_twice.exit_code == 0, typed_twice.output
    assert to.exists()
    assert weak.exit_code == 1
    assert not (tmp_path / "w.tar").exists()


def test_what_is_wrong_with_a_backup_is_one_line_and_exit_code_1(
    munshi: Munshi, backup: Path, tmp_path: Path
) -> None:
    content = bytearray(backup.read_bytes())
    content[2_000] ^= 1
    bad = tmp_path / "bad.tar"
    bad.write_bytes(content)

    checked = munshi("backup", "verify", str(bad))
    other = put_back(backup, tmp_path / "new", typed="other words that are long\n")
    again = munshi("backup", "create", "--to", str(backup), "--passphrase-stdin", typed=PASSPHRASE)

    for done, said in (
        (checked, "database.sqlite"),
        (other, "the passphrase is another one"),
        (again, "is there already"),
    ):
        assert done.exit_code == 1
        assert said in done.stderr
        assert done.stderr.count("munshi: ") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("backup")
def test_a_file_that_the_desk_lacks_is_told_and_the_rest_is_backed_up(
    munshi: Munshi, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "munshi.db") as connection:
        connection.execute(
            "INSERT INTO AuditArchives (name, first_block, last_block, first_id, last_id, rows, "
            "sha256, state, created_at, updated_at) VALUES "
            "('audit-000000001-000000001.jsonl.gz', 1, 1, 1, 1, 1, 'ab', 'archived', ?, ?)",
            ("2026-11-20T04:30:00.000000Z", "2026-11-20T04:30:00.000000Z"),
        )
    connection.close()
    to = tmp_path / "second.tar"

    made = munshi("backup", "create", "--to", str(to), "--passphrase-stdin", typed=PASSPHRASE)

    assert made.exit_code == 1
    assert "audit/audit-000000001-000000001.jsonl.gz" in made.stdout
    assert "1 file that the database names is gone or damaged" in made.stderr
    assert munshi("backup", "verify", str(to)).exit_code == 0


@pytest.mark.usefixtures("backup")
def test_a_trail_that_was_changed_before_the_backup_decides_the_exit_code(
    munshi: Munshi, tmp_path: Path
) -> None:
    munshi("audit", "seal")
    with sqlite3.connect(tmp_path / "munshi.db") as connection:
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'AuditLogs'"
        ).fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE AuditLogs SET user_id = 'nobody' WHERE id = 1")
    connection.close()
    to = tmp_path / "changed.tar"
    munshi("backup", "create", "--to", str(to), "--passphrase-stdin", typed=PASSPHRASE)

    done = put_back(to, tmp_path / "new")

    assert done.exit_code == 1
    assert "NOT AS IT WAS SEALED: Row 1" in done.stderr
    assert runner(tmp_path / "new", "")("audit", "verify").exit_code == 1


def test_a_home_in_which_a_restore_was_cut_short_is_left_alone_by_every_command(
    munshi: Munshi, tmp_path: Path
) -> None:
    home = tmp_path / "half"
    home.mkdir()
    (home / "restore-unfinished.json").write_text('{"backup_id": "ab", "file": "/mnt/desk.tar"}')

    for words in (("status",), ("db", "upgrade"), ("keys", "show"), ("audit", "verify")):
        done = runner(home, "")(*words)
        assert done.exit_code == 1
        assert "munshi backup restore /mnt/desk.tar" in done.stderr
    assert [each.name for each in home.iterdir()] == ["restore-unfinished.json"]
    assert munshi("status").exit_code == 0
