"""Caches on a test's database, shelves that tests fill, and what they count."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Generic, TypeVar

from munshi.cache.cache import Cache
from munshi.cache.shelf import Shelf
from munshi.clock import Clock
from munshi.infrastructure.database.engine import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Something with an exact number in it."""

    symbol: str
    price: Decimal


PRICES = Shelf[Price | None](
    name="prices", holds=Price | None, fresh_seconds=60, negative_seconds=10
)
LISTED = Shelf[tuple[str, ...]](
    name="listed", holds=tuple[str, ...], fresh_seconds=600, tables=("Instruments",)
)
WORDS = Shelf[list[str]](name="words", holds=list[str], fresh_seconds=60, codec="json")
SLOW = Shelf[int](name="slow", holds=int, fresh_seconds=60, stale_seconds=600)


@contextmanager
def open_cache(database: Database, clock: Clock) -> Iterator[Cache]:
    cache = Cache(database, clock)
    try:
        yield cache
    finally:
        cache.close()


class Counted(Generic[T]):
    """Returns what it was given, and counts how often it was asked."""

    def __init__(self, value: T, *, before: Callable[[], object] = lambda: None) -> None:
        self.value = value
        self.calls = 0
        self._before = before
        self._lock = Lock()

    def __call__(self) -> T:
        with self._lock:
            self.calls += 1
        self._before()
        return self.value
