"""Who keeps alerts, and who is told."""

from collections.abc import Iterator

import pytest

from alerts.receivers import Hook, Mailbox, listening_hook, listening_mailbox
from alerts.telling import Telling
from clocks import FakeClock
from munshi.infrastructure.database.engine import Database


@pytest.fixture
def telling(database: Database, clock: FakeClock) -> Telling:
    """On each kind of database."""
    return Telling(database=database, clock=clock)


@pytest.fixture
def quick_telling(sqlite_database: Database, clock: FakeClock) -> Telling:
    """On SQLite alone."""
    return Telling(database=sqlite_database, clock=clock)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening_hook() as listening:
        yield listening


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with listening_mailbox() as listening:
        yield listening
