"""`munshi config` beyond single values: the way back, files, the editor, older installs."""

import json
import stat
import sys
from pathlib import Path

import pytest

from command_line import Munshi


def test_a_key_is_described(munshi: Munshi) -> None:
    kept = munshi("config", "describe", "jobs", "keep_days").stdout
    unread = munshi("config", "describe", "trading", "max_positions").stdout

    assert "allowed: 1 to 3650 days" in kept
    assert "default: 7" in kept
    assert "kept; nothing reads it yet" in unread


def test_the_way_back_is_shown_asked_about_and_gone(munshi: Munshi) -> None:
    munshi("config", "set", "jobs", "keep_days", "14")
    revision = json.loads(munshi("config", "revisions", "--json").stdout)[0]["revision"]
    munshi("config", "set", "jobs", "keep_days", "30")

    shown = munshi("config", "rollback", str(revision), "--dry-run")
    refused = munshi("config", "rollback", str(revision), typed="n\n")
    between = munshi("config", "get", "jobs", "keep_days").stdout
    done = munshi("config", "rollback", str(revision), "jobs", "keep_days", typed="y\n")

    assert "jobs/keep_days" in shown.stdout
    assert (refused.exit_code, between) == (1, "30\n")
    assert done.exit_code == 0, done.output
    assert munshi("config", "get", "jobs", "keep_days").stdout == "14\n"
    assert "none." in munshi("config", "diff", str(revision)).stdout


def test_an_export_is_taken_over_again(munshi: Munshi, tmp_path: Path) -> None:
    munshi("config", "set", "jobs", "keep_days", "14")
    file = tmp_path / "desk.toml"
    munshi("config", "export", str(file))
    munshi("config", "set", "jobs", "keep_days", "30")

    dry = munshi("config", "import", str(file), "--dry-run")
    kept = munshi("config", "get", "jobs", "keep_days").stdout
    done = munshi("config", "import", str(file))
    again = munshi("config", "import", str(file), "--json")

    assert "jobs/keep_days" in dry.stdout
    assert kept == "30\n"
    assert done.exit_code == 0
    assert munshi("config", "get", "jobs", "keep_days").stdout == "14\n"
    assert json.loads(again.stdout)["revision"] is None


def test_secrets_are_exported_for_the_owner_alone_when_confirmed(
    munshi: Munshi, tmp_path: Path
) -> None:
    munshi("config", "set", "auth", "kite.api_secret", typed="hush-hush\n")
    file = tmp_path / "desk.toml"

    refused = munshi("config", "export", str(file), "--with-secrets", typed="n\n")
    nowhere = munshi("config", "export", "--with-secrets", "--yes")
    was_there = file.exists()
    done = munshi("config", "export", str(file), "--with-secrets", typed="y\n")
    over = munshi("config", "export", str(file), "--with-secrets", "--yes")

    assert (refused.exit_code, nowhere.exit_code, was_there) == (1, 2, False)
    assert done.exit_code == 0, done.output
    assert "hush-hush" in file.read_text()
    assert "hush-hush" not in done.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is there already" in over.stderr


def _editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        f"import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n{code}\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_what_is_changed_in_the_editor_is_stored(
    munshi: Munshi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "path.write_text(text.replace('# keep_days = 7', 'keep_days = 21'))"
    _editor(monkeypatch, tmp_path, code)

    done = munshi("config", "edit", "jobs")

    assert done.exit_code == 0, done.output
    assert munshi("config", "get", "jobs", "keep_days").stdout == "21\n"
    assert list(tmp_path.glob("munshi-*.toml")) == []


@pytest.mark.parametrize(
    "code",
    [
        "path.write_text(text.replace('# keep_days = 7', 'keep_days = 0'))",
        "path.write_text(text + '[jobs')",
        "sys.exit(3)",
    ],
)
def test_a_mistake_in_the_editor_loses_nothing(
    munshi: Munshi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    _editor(monkeypatch, tmp_path, code)

    done = munshi("config", "edit", "jobs")

    (kept,) = tmp_path.glob("munshi-*.toml")
    assert done.exit_code == 1
    assert str(kept) in done.stderr
    assert munshi("config", "get", "jobs", "keep_days").stdout == "7\n"


def test_an_older_install_is_shown_and_taken_over(munshi: Munshi, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / ".env").write_text("KITE_API_KEY=key\nKITE_API_SECRET=hush-hush\nCOLOUR=blue\n")
    (old / "config.json").write_text('{"risk_management": {"max_positions": 5}}')
    (old / "trading_limits.json").write_text('{"max_positions": 8}')

    dry = munshi("config", "import-old", str(old), "--dry-run")
    conflict = munshi("config", "import-old", str(old))
    done = munshi("config", "import-old", str(old), "--prefer", "config.json")
    again = munshi("config", "import-old", str(old), "--prefer", "config.json", "--json")

    assert dry.exit_code == 0
    assert "Conflicts" in dry.stdout
    assert "COLOUR" in dry.stdout
    assert "--prefer FILE" in conflict.stderr
    assert done.exit_code == 0, done.output
    assert munshi("config", "get", "trading", "max_positions").stdout == "5\n"
    assert json.loads(again.stdout)["revision"] is None
    assert "hush" not in dry.output + conflict.output + done.output + again.output
