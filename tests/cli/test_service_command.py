"""`munshi service`: what it prints and writes, and what it says where there is no systemd."""

import json
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.systemd.control import Systemd

without_systemd = pytest.mark.skipif(Systemd.runs(), reason="systemd runs this machine")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user's own units stand."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "systemd" / "user"


@pytest.mark.parametrize("option", ["--print", "--dry-run"])
def test_printing_shows_every_unit_and_writes_none(
    munshi: Munshi, folder: Path, option: str
) -> None:
    shown = munshi("service", "install", option, "--workers", "2")

    assert shown.exit_code == 0
    assert f"# {folder}/munshi.service\n[Unit]\n" in shown.stdout
    assert "-m munshi worker\n" in shown.stdout
    assert not folder.exists()


def test_a_service_of_the_machine_is_printed_for_an_account(munshi: Munshi) -> None:
    told = munshi("service", "install", "--system", "--run-as", "clerk", "--print", "--json")

    text = json.loads(told.stdout)["/etc/systemd/system/munshi.service"]
    assert "User=clerk\n" in text
    assert "ProtectSystem=strict\n" in text


def test_an_account_that_is_none_is_refused(munshi: Munshi) -> None:
    refused = munshi("service", "install", "--system", "--print", "--run-as", "clerk\nType=x")

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)


@without_systemd
def test_without_systemd_nothing_is_written_and_the_way_on_is_named(
    munshi: Munshi, folder: Path
) -> None:
    refused = munshi("service", "install")

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "systemd does not run this machine; nothing was changed." in refused.stderr
    assert "docs/how-to/windows.md" in refused.stderr
    assert not folder.exists()


@without_systemd
def test_units_are_written_shown_and_removed(munshi: Munshi, folder: Path) -> None:
    written = munshi("service", "install", "--no-start", "--workers", "1", "--json")
    again = munshi("service", "install", "--no-start")
    shown = munshi("service", "status", "--json")
    removed = munshi("service", "uninstall")

    assert written.exit_code == 0, written.stderr
    assert json.loads(written.stdout)["written"] == [
        f"{folder}/munshi.service",
        f"{folder}/munshi-worker@.service",
    ]
    assert again.stdout == f"Written: {folder}/munshi.service\n"  # and the workers' is gone
    assert shown.exit_code == 1  # it does not run
    assert json.loads(shown.stdout)["units"] == [
        {"unit": "munshi.service", "file": "ours", "state": "unknown"}
    ]
    assert removed.stdout == "Removed: munshi.service\n"
    assert list(folder.iterdir()) == []


def test_an_edited_unit_is_not_overwritten_without_force(munshi: Munshi, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "munshi.service").write_text("[Service]\nExecStart=/bin/true\n")

    refused = munshi("service", "install", "--no-start")
    kept = (folder / "munshi.service").read_text()
    forced = munshi("service", "install", "--no-start", "--force")

    assert (refused.exit_code, kept) == (1, "[Service]\nExecStart=/bin/true\n")
    assert "--force" in refused.stderr
    assert forced.exit_code == 0


def test_a_password_is_kept_out_and_said_so(
    munshi: Munshi, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNSHI_MASTER_KEY", "aaaaaaaaaaaaaaaa:aHVudGVyMmh1bnRlcjI=")

    written = munshi("service", "install", "--no-start")

    assert "aHVudGVy" not in (folder / "munshi.service").read_text()
    assert "MUNSHI_MASTER_KEY is secret and not in the unit" in written.stderr


def test_nothing_to_remove_is_no_error(munshi: Munshi, folder: Path) -> None:
    removed = munshi("service", "uninstall", "--name", "other")

    assert removed.exit_code == 0
    assert removed.stdout == f"There is no service other in {folder}.\n"
