"""Desks that are copied or backed up, on each database, and empty places of each kind."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from desks import TESTER, Desk, open_desk
from keeping.full_desk import fill
from keeping.kept_desk import fill as fill_kept
from keeping.kept_desk import settings_for
from munshi.bootstrap import Services, open_services
from munshi.settings import Settings, load_settings
from simulators import Simulator

KEPT = ("munshi.db", "vault.key", "audit")


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
            _copy(settings.home / name, kept / name)
        return
    for name in KEPT:
        _copy(kept / name, settings.home / name)


def _copy(what: Path, to: Path) -> None:
    if what.is_dir():
        shutil.copytree(what, to)
    else:
        shutil.copy(what, to)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`kept` has a migrated database; `empty` has neither a home nor a database."""

    kept: Settings
    empty: Settings


@pytest.fixture
def sqlite_places(sqlite_url: str, tmp_path: Path) -> Places:
    """Both homes with a database of their own file."""
    empty = tmp_path / "new-home"
    return Places(
        kept=settings_for(tmp_path / "home", sqlite_url),
        empty=settings_for(empty, f"sqlite:///{tmp_path}/new.db"),
    )


@pytest.fixture
def postgresql_places(
    postgresql_url: str, postgres_database: Callable[..., str], tmp_path: Path
) -> Places:
    """Both databases on one server."""
    return Places(
        kept=settings_for(tmp_path / "home", postgresql_url),
        empty=settings_for(tmp_path / "new-home", postgres_database(f"new_{uuid4().hex[:12]}")),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest) -> Places:
    found: Places = request.getfixturevalue(f"{request.param}_places")
    return found


@pytest.fixture
def kept(places: Places) -> Iterator[Services]:
    """The desk that is worth keeping, at work."""
    with open_services(places.kept) as services:
        services.config.seed(actor=TESTER)
        fill_kept(services)
        yield services


@pytest.fixture
def kept_sqlite(sqlite_places: Places) -> Iterator[Services]:
    with open_services(sqlite_places.kept) as services:
        services.config.seed(actor=TESTER)
        fill_kept(services)
        yield services
