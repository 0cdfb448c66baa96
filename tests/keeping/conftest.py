"""Desks that are copied: one on each database, and an empty one of each kind to copy to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from desks import Desk, open_desk
from keeping.full_desk import fill
from munshi.settings import Settings, load_settings
from simulators import Simulator


@pytest.fixture
def home_settings(tmp_path: Path) -> Callable[[str], Settings]:
    """The same home on another database."""

    def settings(url: str) -> Settings:
        return load_settings(
            _env_file=None, home=tmp_path, database_url=url, env_file=tmp_path / ".env"
        )

    return settings


@pytest.fixture(params=["sqlite", "postgresql"])
def full_desk(
    request: pytest.FixtureRequest,
    home_settings: Callable[[str], Settings],
    simulator: Simulator,
) -> Iterator[Desk]:
    """A desk with rows in every table; the test runs once on each database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    with open_desk(home_settings(url), simulator) as desk:
        fill(desk)
    with open_desk(home_settings(url), simulator) as desk:  # nothing of the first still counts
        yield desk


@pytest.fixture
def sqlite_desk(
    sqlite_url: str, home_settings: Callable[[str], Settings], simulator: Simulator
) -> Iterator[Desk]:
    with open_desk(home_settings(sqlite_url), simulator) as desk:
        fill(desk)
    with open_desk(home_settings(sqlite_url), simulator) as desk:
        yield desk


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/copy.db"
    return str(request.getfixturevalue("postgres_database")(f"copy_{uuid4().hex[:12]}"))
