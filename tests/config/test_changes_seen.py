"""A change made through one process's database connection counts in another's within a second."""

import time
from collections.abc import Callable, Iterator

import pytest

from clocks import FakeClock
from databases import open_database
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.infrastructure.database.engine import Database
from munshi.jobs.queues import QueueBook

ASHA = Actor(user_id="asha")
WITHIN_SECONDS = 1.0


@pytest.fixture
def elsewhere(any_database_url: str, database: Database) -> Iterator[Database]:
    """The same database, opened as another process opens it."""
    assert database is not None
    opened = open_database(any_database_url)
    yield opened
    opened.close()


def _seen(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_a_value_is_seen_elsewhere(
    database: Database, elsewhere: Database, clock: FakeClock
) -> None:
    here, there = ConfigService(database, clock), ConfigService(elsewhere, clock)
    assert there.value("jobs", "keep_days") == 7

    here.set("jobs", "keep_days", 21, actor=ASHA)

    assert _seen(lambda: there.value("jobs", "keep_days") == 21)


def test_what_is_kept_in_memory_is_read_again(
    database: Database, elsewhere: Database, clock: FakeClock
) -> None:
    here, book = ConfigService(database, clock), QueueBook(elsewhere, {})
    book.refresh()
    before = dict(book.limited)

    here.set("jobs", "queue.slow", {"limit": 1}, actor=ASHA)

    def limited() -> bool:
        book.refresh()
        return "slow" in book.limited

    assert before == {}
    assert _seen(limited)
