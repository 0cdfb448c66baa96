"""Kills, full disks, damage, wrong places: one clear error, and nothing is lost or half there."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desks import TESTER
from keeping import backup_process
from keeping.conftest import Places
from keeping.kept_desk import (
    PASSPHRASE,
    back_up,
    fill,
    holdings,
    members,
    restore,
    rewrite,
    settings_for,
    verify,
)
from leaks import files_of
from munshi.bootstrap import Services, open_services
from munshi.errors import (
    AppError,
    BackupFailedError,
    BackupInvalidError,
    BackupNewerError,
    BackupProgramMissingError,
    KeyBackupInvalidError,
    PassphraseWeakError,
    RestoreRefusedError,
    RestoreUnfinishedError,
    VaultKeyConflictError,
)
from munshi.infrastructure.database.postgresql_programs import find_program
from munshi.infrastructure.security.key_places import KeyFile
from munshi.settings import KeySource, Settings, load_settings

TESTS = Path(__file__).parents[1]


def run(
    act: str, settings: Settings, backup: Path, how: str, number: int
) -> subprocess.CompletedProcess[str]:
    url = settings.database_url.get_secret_value()
    words = [act, str(settings.home), url, str(backup), how, str(number)]
    return subprocess.run(
        [sys.executable, backup_process.__file__, *words],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def nothing_touched(settings: Settings, tmp_path: Path, before: dict[str, bytes]) -> bool:
    return not settings.home.exists() and files_of(tmp_path) == before


# --- killed --------------------------------------------------------------------------------


@pytest.mark.timeout(400)  # a process a step
def test_killed_at_any_step_it_leaves_no_backup_and_the_next_one_tidies_up(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    path, step, kills = folder / "desk.tar", 0, 0

    while True:
        step += 1
        ended = run("create", sqlite_places.kept, path, "kill", step)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert not path.exists()
        kills += 1

    assert kills == 4  # database, packing it, files, files under way
    assert list(folder.iterdir()) == [path]
    assert verify(path).keys_opened
    assert kept_sqlite.ledger.verify().is_sound


@pytest.mark.timeout(400)
def test_a_restore_that_was_killed_says_so_and_is_begun_again(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    made, before = back_up(kept, tmp_path / "desk.tar"), holdings(kept)
    new, step, resumed = places.empty, 0, 0

    while True:
        step += 1
        ended = run("restore", new, made.path, "kill", step)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
        if (new.home / "restore-unfinished.json").exists():
            resumed += 1
            with pytest.raises(RestoreUnfinishedError, match="cut short"), open_services(new):
                pass
        else:
            assert not new.home.exists()

    assert resumed >= 6  # database, files, under way, keys, audit trail, done
    with open_services(new) as services:
        assert holdings(services) == before
        assert services.ledger.verify().findings == []
    assert {each.name for each in new.home.iterdir()} <= {
        *("candles", "artifacts", "audit", "vault.key", "keys.lock"),
    }


def test_another_backup_is_not_mixed_into_a_restore_that_was_cut_short(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    first = back_up(kept_sqlite, tmp_path / "1.tar")
    second = back_up(kept_sqlite, tmp_path / "2.tar")
    steps = run("restore", sqlite_places.empty, first.path, "kill", 99).stdout.splitlines()
    other = settings_for(tmp_path / "other", f"sqlite:///{tmp_path}/other.db")
    run("restore", other, first.path, "kill", len(steps) - 2)

    with pytest.raises(RestoreRefusedError, match="another backup"):
        restore(other, second.path)

    assert restore(other, first.path).resumed


# --- no room -------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [100_000, 700_000, 1_100_000])
def test_a_full_disk_leaves_one_error_and_no_backup(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path, room: int
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    ended = run("create", sqlite_places.kept, folder / "desk.tar", "room", room)

    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("BackupFailedError: ")
    assert ended.stdout.count("\n") == 1
    assert list(folder.iterdir()) == []
    assert kept_sqlite.ledger.verify().is_sound


def test_a_dump_that_finds_no_room_leaves_one_error_and_no_backup(
    postgresql_places: Places, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with open_services(postgresql_places.kept) as services:
        fill(services)

    ended = run("create", postgresql_places.kept, folder / "desk.tar", "room", 20_000)

    assert (ended.returncode, ended.stdout[:18]) == (1, "BackupFailedError:"), ended.stderr
    assert list(folder.iterdir()) == []


def test_a_restore_that_finds_no_room_can_be_begun_again(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    made, before = back_up(kept_sqlite, tmp_path / "desk.tar"), holdings(kept_sqlite)
    database = members(made.path)["database.sqlite"][1]

    # The database fits and the job's file, which is larger, does not.
    ended = run("restore", sqlite_places.empty, made.path, "room", database + 4096)
    done = restore(sqlite_places.empty, made.path)

    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("HomeUnusableError: ")
    assert "begins anew" in ended.stdout
    assert done.resumed
    with open_services(sqlite_places.empty) as services:
        assert holdings(services) == before


def test_a_place_that_cannot_be_written_is_said_before_anything_is_made(
    kept_sqlite: Services, tmp_path: Path
) -> None:
    taken = tmp_path / "taken.tar"
    taken.write_bytes(b"another's")

    for place, said in ((taken, "is there already"), (tmp_path / "no" / "x.tar", "no folder")):
        with pytest.raises(BackupFailedError, match=said):
            back_up(kept_sqlite, place)
    with pytest.raises(PassphraseWeakError):
        kept_sqlite.backups.create(
            tmp_path / "weak.tar", "short", told=lambda *_: None, actor=TESTER
        )

    assert taken.read_bytes() == b"another's"
    assert not (tmp_path / "weak.tar").exists()


# --- damage --------------------------------------------------------------------------------


def flipped(path: Path, to: Path, at: int) -> Path:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x01
    to.write_bytes(content)
    return to


def test_one_wrong_bit_in_any_file_is_found_and_named(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    made = back_up(kept, tmp_path / "desk.tar")
    found = members(made.path)

    assert len(found) >= 7
    for name, (begin, size) in found.items():
        for at in (begin, begin + size // 2, begin + size - 1):
            bad = flipped(made.path, tmp_path / "bad.tar", at)
            if name == "manifest.json" and at == begin + size - 1:
                continue  # the line break at its end says nothing
            with pytest.raises(BackupInvalidError, match=name.replace("(", r"\(")):
                verify(bad, None)
            with pytest.raises((BackupInvalidError, KeyBackupInvalidError)):
                restore(places.empty, bad)
    assert not places.empty.home.exists()


def test_what_is_cut_short_or_something_else_is_no_backup(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    made = back_up(kept_sqlite, tmp_path / "desk.tar")
    content, bad = made.path.read_bytes(), tmp_path / "bad.tar"
    begin = members(made.path)["manifest.json"][0]

    for wrong in (
        b"",
        b"words",
        b"\0" * 4096,
        content[:700],
        content[: begin - 600],
        content[:begin],
    ):
        bad.write_bytes(wrong)
        with pytest.raises(BackupInvalidError, match=r"bad\.tar|manifest"):
            verify(bad)
        with pytest.raises(BackupInvalidError):
            restore(sqlite_places.empty, bad)
    with pytest.raises(BackupInvalidError, match="cannot be read"):
        verify(tmp_path / "nowhere.tar")
    assert not sqlite_places.empty.home.exists()


def _add(path: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["files"].append({"path": path, "size": 0, "sha256": "00"})


@pytest.mark.parametrize(
    "path",
    ["../../outside", "/etc/passwd", "candles/../../x", "vault.key", "candles", "candles/a\\b", ""],
)
def test_a_manifest_that_names_what_is_none_of_its_business_is_refused(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path, path: str
) -> None:
    made = back_up(kept_sqlite, tmp_path / "desk.tar")
    rewrite(made.path, tmp_path / "bad.tar", change=_add(path))

    with pytest.raises(BackupInvalidError):
        restore(sqlite_places.empty, tmp_path / "bad.tar")

    assert not sqlite_places.empty.home.exists()


def _newer_format(body: dict[str, Any]) -> None:
    body.update(version=2, munshi="9.0")


def _newer_revision(body: dict[str, Any]) -> None:
    body["database"].update(revision="2031_01_01_something_new")


@pytest.mark.parametrize("change", [_newer_format, _newer_revision])
def test_a_backup_of_a_later_version_is_refused_and_nothing_is_touched(
    sqlite_places: Places,
    kept_sqlite: Services,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
) -> None:
    made = back_up(kept_sqlite, tmp_path / "desk.tar")
    rewrite(made.path, tmp_path / "newer.tar", change=change)

    with pytest.raises(BackupNewerError, match="later one"):
        restore(sqlite_places.empty, tmp_path / "newer.tar")
    with pytest.raises(BackupNewerError):
        verify(tmp_path / "newer.tar")

    assert not sqlite_places.empty.home.exists()


# --- wrong places --------------------------------------------------------------------------


def test_another_passphrase_is_one_error_and_nothing_is_touched(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    made = back_up(kept, tmp_path / "desk.tar")

    with pytest.raises(KeyBackupInvalidError, match="the passphrase is another one"):
        restore(places.empty, made.path, "four clerks count maize")

    assert not places.empty.home.exists()
    assert not restore(places.empty, made.path).resumed


def test_a_home_or_a_database_that_is_not_empty_is_refused(
    places: Places, kept: Services, tmp_path: Path
) -> None:
    made = back_up(kept, tmp_path / "desk.tar")
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    new_url = places.empty.database_url.get_secret_value()

    with pytest.raises(RestoreRefusedError, match=r"not empty: it holds notes\.txt"):
        restore(settings_for(full, new_url), made.path)
    old_url = places.kept.database_url.get_secret_value()
    with pytest.raises(RestoreRefusedError, match="settings name is not empty"):
        restore(settings_for(tmp_path / "new", old_url), made.path)

    assert files_of(full) == {"notes.txt": b"mine"}
    assert not (tmp_path / "new").exists()
    assert kept.ledger.verify().is_sound
    assert restore(places.empty, made.path).report.is_sound


def test_a_database_of_another_kind_is_refused(
    postgresql_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    made = back_up(kept_sqlite, tmp_path / "desk.tar")
    url = postgresql_places.empty.database_url.get_secret_value()

    with pytest.raises(RestoreRefusedError, match="of SQLite, and the settings name one of Postgr"):
        restore(settings_for(tmp_path / "new", url), made.path)

    assert not (tmp_path / "new").exists()


def test_a_key_that_has_no_place_is_said_before_anything_is_touched(
    sqlite_places: Places, kept_sqlite: Services, tmp_path: Path
) -> None:
    made = back_up(kept_sqlite, tmp_path / "desk.tar")
    rewrite(
        made.path,
        tmp_path / "environment.tar",
        change=lambda body: body["database"].update(key_source="environment"),
    )
    other = "cc" * 8 + ":" + "A" * 43 + "="
    settings = sqlite_places.empty

    with pytest.raises(RestoreRefusedError, match="MUNSHI_MASTER_KEY"):
        restore(settings, tmp_path / "environment.tar")
    with pytest.raises(VaultKeyConflictError, match="holds another key"):
        restore(with_key(settings, other), tmp_path / "environment.tar")
    assert not settings.home.exists()
    chosen = settings.model_copy(update={"key_source": KeySource.FILE})
    restore(chosen, tmp_path / "environment.tar")

    assert KeyFile(settings.home).read() == KeyFile(sqlite_places.kept.home).read()


def with_key(settings: Settings, text: str) -> Settings:
    return load_settings(
        _env_file=None,
        home=settings.home,
        database_url=settings.database_url.get_secret_value(),
        env_file=settings.env_file,
        master_key=text,
    )


# --- PostgreSQL's programs -----------------------------------------------------------------


def test_a_program_that_is_missing_or_too_old_is_named_with_what_mends_it() -> None:
    with pytest.raises(BackupProgramMissingError, match="pg_nothing is not on the PATH"):
        find_program("pg_nothing", at_least=0)
    with pytest.raises(BackupProgramMissingError, match="postgresql-client-99"):
        find_program("pg_dump", at_least=99)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real programs, which first write down their arguments."""
    folder, record = tmp_path / "programs", tmp_path / "arguments"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program, _ = find_program(name, at_least=0)
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\necho "$0 $@" >> "{record}"\nexec "{program}" "$@"\n')
        wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return record


def test_the_database_password_is_in_no_argument(
    postgresql_places: Places, recorded: Path, tmp_path: Path
) -> None:
    password = postgresql_places.kept.database_url.get_secret_value().split(":")[2].split("@")[0]
    with open_services(postgresql_places.kept) as services:
        made = back_up(services, tmp_path / "desk.tar")

    restore(postgresql_places.empty, made.path)

    arguments = recorded.read_text()
    assert "--snapshot=" in arguments
    assert "--single-transaction" in arguments
    assert PASSPHRASE not in arguments
    assert password not in arguments


def test_what_a_program_complains_of_is_one_error_without_the_password(
    postgresql_places: Places, tmp_path: Path
) -> None:
    with open_services(postgresql_places.kept) as services:
        made = back_up(services, tmp_path / "desk.tar")
        begin, _ = members(made.path)["database.pgdump"]
        assert made.path.read_bytes()[begin : begin + 5] == b"PGDMP"
        nowhere = postgresql_places.empty.database_url.get_secret_value() + "_nowhere"

        with pytest.raises(AppError) as refused:
            restore(settings_for(tmp_path / "new", nowhere), made.path)

    assert "_nowhere" in str(refused.value)
    assert nowhere.split(":")[2].split("@")[0] not in str(refused.value)
    assert not (tmp_path / "new").exists()
