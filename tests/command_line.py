"""The `munshi` command for tests, on a home and a database of each test's own."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
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
        with _log_restored():
            return CliRunner().invoke(app, words, input=typed, env=environment)

    return run


@contextmanager
def _log_restored() -> Iterator[None]:
    """A command points the log at its own stderr, which is gone afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.configure(**before)


@pytest.fixture
def munshi(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Munshi:
    monkeypatch.chdir(tmp_path)  # a `.env` nearby must not be read
    return runner(tmp_path, sqlite_url)
