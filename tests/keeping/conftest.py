"""Two places of one kind: a desk that is worth keeping, and an empty one to restore it into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from desks import TESTER
from keeping.kept_desk import fill, settings_for
from munshi.bootstrap import Services, open_services
from munshi.settings import Settings


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
        fill(services)
        yield services


@pytest.fixture
def kept_sqlite(sqlite_places: Places) -> Iterator[Services]:
    with open_services(sqlite_places.kept) as services:
        services.config.seed(actor=TESTER)
        fill(services)
        yield services
