"""`munshi keys`: what it shows, what it changes, and the way back from a lost key."""

import base64
import json
import sqlite3
import stat
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.infrastructure.security.key_places import KeyFile

PASSPHRASE = "four clerks count rice\n"


def key_texts(home: Path) -> list[str]:
    ring = KeyFile(home).read()
    assert ring is not None
    return [base64.b64encode(key).decode() for key in ring.keys.values()]


def actions(home: Path) -> list[str]:
    with sqlite3.connect(home / "munshi.db") as connection:
        found = connection.execute(
            "SELECT action, old_value, new_value, details FROM AuditLogs "
            "WHERE entity_type = 'keys' ORDER BY id"
        ).fetchall()
    connection.close()
    assert not any(text in str(row) for text in key_texts(home) for row in found)
    return [row[0] for row in found]


@pytest.fixture
def copy(munshi: Munshi, tmp_path: Path) -> Path:
    munshi("config", "set", "auth", "kite.password", typed="hush\n")
    path = tmp_path / "copy.json"
    done = munshi("keys", "backup", str(path), "--passphrase-stdin", typed=PASSPHRASE)
    assert done.exit_code == 0, done.output
    return path


def test_show_lists_keys_and_what_they_seal_but_never_a_key(munshi: Munshi, tmp_path: Path) -> None:
    munshi("config", "set", "auth", "kite.password", typed="hush\n")

    table, document = munshi("keys", "show"), munshi("keys", "show", "--json")

    keys = {each["purpose"]: each for each in json.loads(document.stdout)}
    assert keys["configuration"]["values"] == 1
    assert keys["master"]["source"] == "file"
    assert keys["master"]["key_id"] in table.stdout
    assert not any(text in table.output + document.output for text in key_texts(tmp_path))


def test_rotating_and_sealing_anew_keeps_what_was_stored_and_is_audited(
    munshi: Munshi, tmp_path: Path
) -> None:
    munshi("config", "set", "auth", "kite.password", typed="hush\n")

    rotated, anew = munshi("keys", "rotate"), munshi("keys", "reencrypt", "--json")

    assert "wraps" in rotated.stdout
    assert json.loads(anew.stdout)["rows"] == 1
    assert actions(tmp_path) == [
        "rotated",
        *["data_key_renewed"] * 2,
        "data_key_removed",
    ]
    assert munshi("config", "get", "auth", "kite.password").stdout == "(set)\n"


def test_a_copy_is_private_checked_and_never_overwritten(
    munshi: Munshi, copy: Path, tmp_path: Path
) -> None:
    checked = munshi("keys", "check-backup", str(copy), "--passphrase-stdin", typed=PASSPHRASE)
    again = munshi("keys", "backup", str(copy), "--passphrase-stdin", typed=PASSPHRASE)
    wrong = munshi("keys", "check-backup", str(copy), "--passphrase-stdin", typed="other words\n")

    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "opens this database" in checked.stdout
    assert (again.exit_code, wrong.exit_code) == (1, 1)
    assert actions(tmp_path) == ["backed_up"]


def test_a_weak_passphrase_writes_nothing(munshi: Munshi, tmp_path: Path) -> None:
    done = munshi("keys", "backup", str(tmp_path / "c"), "--passphrase-stdin", typed="\n")

    assert done.exit_code == 1
    assert not (tmp_path / "c").exists()


def test_a_lost_key_comes_back_from_the_copy(munshi: Munshi, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "vault.key").unlink()
    lost = munshi("keys", "show")

    done = munshi("keys", "restore", str(copy), "--passphrase-stdin", typed=PASSPHRASE)

    assert (lost.exit_code, done.exit_code) == (1, 0)
    assert "is in" in done.stdout
    assert munshi("keys", "show").exit_code == 0
    assert actions(tmp_path) == ["backed_up", "restored"]


def test_another_key_is_replaced_only_when_told_to(
    munshi: Munshi, copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "vault.key").unlink()
    stranger = KeyFile(tmp_path).create()
    words = ("keys", "restore", str(copy), "--passphrase-stdin")

    refused = munshi(*words, typed=PASSPHRASE)
    unchanged = KeyFile(tmp_path).read()
    done = munshi(*words, "--replace", typed=PASSPHRASE)

    assert refused.exit_code == 1
    assert unchanged == stranger
    assert done.exit_code == 0
    assert munshi("keys", "show").exit_code == 0


def test_a_copy_of_before_a_rotation_is_refused(munshi: Munshi, copy: Path, tmp_path: Path) -> None:
    munshi("keys", "rotate")
    before = KeyFile(tmp_path).read()

    done = munshi("keys", "restore", str(copy), "--passphrase-stdin", "--replace", typed=PASSPHRASE)

    assert done.exit_code == 1
    assert KeyFile(tmp_path).read() == before
