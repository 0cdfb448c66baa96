"""The `munshi` command for tests, on a home and a database of each test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from munshi.cli.app import app

Munshi = Callable[..., Result]


def runner(home: Path, database_url: str) -> Munshi:
    """Runs a command as typed; `typed` is what stands on its standard input."""
    environment = {
        "MUNSHI_HOME": str(home),
        "MUNSHI_DATABASE_URL": database_url,
        "MUNSHI_ENV_FILE": str(home / ".env"),
        "COLUMNS": "250",  # wide enough that no cell is folded
    }

    def run(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, words, input=typed, env=environment)

    return run


@pytest.fixture
def munshi(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Munshi:
    monkeypatch.chdir(tmp_path)  # a `.env` nearby must not be read
    return runner(tmp_path, sqlite_url)
