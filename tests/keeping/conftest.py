"""Desks that are copied: one on each database, and an empty one of each kind to copy to."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from desks import Desk, open_desk
from keeping.full_desk import fill
from munshi.settings import Settings, load_settings
from simulators import Simulator

KEPT = ("munshi.db", "vault.key")


@pytest.fixture
def home_settings(tmp_path: Path) -> Callable[[str], Settings]:
    """The same home on another database."""

    def settings(url: str) -> Settings:
        return load_settings(
            _env_file=None, home=tmp_path, database_url=url, env_file=tmp_path / ".env"
        )

    return settings


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that fills a desk on SQLite leaves it for the others."""
    return tmp_path_factory.mktemp("filled")


def _fill_once(settings: Settings, simulator: Simulator, kept: Path) -> None:
    """Copies, because filling takes seconds; the key that sealed it goes with it."""
    if not (kept / KEPT[0]).exists():
        with open_desk(settings, simulator) as desk:
            fill(desk)
        for name in reversed(KEPT):
            shutil.copy(settings.home / name, kept / name)
        return
    for name in KEPT:
        shutil.copy(kept / name, settings.home / name)


@pytest.fixture
def sqlite_desk(
    sqlite_url: str,
    home_settings: Callable[[str], Settings],
    simulator: Simulator,
    filled_home: Path,
) -> Iterator[Desk]:
    """A desk with rows in every table."""
    settings = home_settings(sqlite_url)
    _fill_once(settings, simulator, filled_home)
    with open_desk(settings, simulator) as desk:
        yield desk


@pytest.fixture
def postgresql_desk(
    postgresql_url: str, home_settings: Callable[[str], Settings], simulator: Simulator
) -> Iterator[Desk]:
    settings = home_settings(postgresql_url)
    with open_desk(settings, simulator) as desk:
        fill(desk)
    with open_desk(settings, simulator) as desk:  # nothing of the first still counts
        yield desk


@pytest.fixture(params=["sqlite", "postgresql"])
def full_desk(request: pytest.FixtureRequest) -> Desk:
    """A desk with rows in every table; the test runs once on each database."""
    desk: Desk = request.getfixturevalue(f"{request.param}_desk")
    return desk


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/copy.db"
    return str(request.getfixturevalue("postgres_database")(f"copy_{uuid4().hex[:12]}"))
