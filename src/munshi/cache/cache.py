"""The cache of a process: its shelves, and what they share with all other processes."""

from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar

import structlog

from munshi.cache.counts import Counts
from munshi.cache.first_level import FirstLevel
from munshi.cache.flights import Flights
from munshi.cache.keeper import Keeper
from munshi.cache.leases import RENEW_SECONDS, Leases
from munshi.cache.open_shelf import OpenShelf
from munshi.cache.parts import MOST_REFRESHES, Parts
from munshi.cache.room import Room
from munshi.cache.shelf import Shelf
from munshi.cache.sweeper import Sweeper
from munshi.cache.watch import Watch
from munshi.clock import Clock
from munshi.domain.cache import CacheSize
from munshi.domain.config_keys import CACHE, FIRST_LEVEL_MB, MOST_MB, find_key
from munshi.domain.quotas import day_ist
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.cache_stores import open_cache_store
from munshi.infrastructure.database.engine import Database

SAVE_SECONDS = 5.0
SWEEP_SECONDS = 10.0
_CLOSE_SECONDS = 5.0
_MB = 1_000_000
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Cache:
    """Two levels. Opening it asks nothing of the database; the first use does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._shelves: dict[str, OpenShelf[Any]] = {}
        self._store = open_cache_store(database)
        self._first = FirstLevel(_default_bytes(FIRST_LEVEL_MB))
        self._watch = Watch(self._store, clock, self._first)
        self._counts = Counts()
        self._room = Room(_default_bytes(MOST_MB))
        self._keeper = Keeper(tend=self._tend, is_idle=self._is_idle, tick=RENEW_SECONDS)
        self._leases = Leases(self._store, clock, wake=self._keeper.wake)
        self._parts = Parts(
            database=database,
            clock=clock,
            store=self._store,
            first=self._first,
            watch=self._watch,
            counts=self._counts,
            flights=Flights(),
            leases=self._leases,
            room=self._room,
            keeper=self._keeper,
            refreshes=BoundedSemaphore(MOST_REFRESHES),
        )
        self._sweeper = Sweeper(
            database,
            clock,
            first=self._first,
            room=self._room,
            counts=self._counts,
            newest=lambda: self._watch.seen,
        )
        self._ticks = 0

    @property
    def shelf_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._shelves))

    @property
    def first_level(self) -> CacheSize:
        return self._first.size()

    @property
    def most_first_level_bytes(self) -> int:
        return self._first.most_bytes

    def open(self, shelf: Shelf[T]) -> OpenShelf[T]:
        """The one shelf of its name. Raises ValueError, TypeError for one that may not be."""
        with self._lock:
            known = self._shelves.get(shelf.name)
            if known is None:
                known = self._shelves[shelf.name] = OpenShelf(shelf, self._parts)
            if known.shelf != shelf:
                raise ValueError(f"there are two shelves called {shelf.name}")
            return known

    def invalidate(self, tag: str) -> None:
        """Nothing under `tag` is good any more, in any process.

        Inside a transaction of one's own, `tx.cache.invalidate_tag` does it with the change that
        calls for it. Raises DatabaseUnreachableError.
        """
        with self._database.operational() as tx:
            tx.cache.invalidate_tag(tag, now=self._clock.now())
        self.look_soon()

    def look_soon(self) -> None:
        """This process has changed a table, and wants to see it at once."""
        self._watch.soon()

    def save_counts(self) -> None:
        """Store what was counted since the last time. Raises DatabaseUnreachableError."""
        now = self._clock.now()
        first = self._first.take_hits()
        gets = self._counts.take_gets()
        for name, of_shelf in first.items():
            for key, hits in of_shelf.items():
                full = f"{name}:{key}"
                gets[full] = gets.get(full, 0) + hits
        hits_by_shelf = {name: sum(of_shelf.values()) for name, of_shelf in first.items()}
        counts = self._counts.take(hits_by_shelf, day=day_ist(now))
        if not counts and not gets:
            return
        try:
            with self._database.operational() as tx:
                tx.cache.note_use(gets, now=now)
                tx.cache.save_use(counts)
        except BaseException:
            # Which row was got how often is lost; how the shelves are used is not.
            self._counts.put_back(counts)
            raise

    def sweep(self) -> None:
        """Make room now. Raises DatabaseUnreachableError."""
        self._sweeper.sweep()

    def close(self) -> None:
        """Store what was counted; who works something out behind the scenes is waited for."""
        for _ in range(MOST_REFRESHES):
            self._parts.refreshes.acquire(timeout=_CLOSE_SECONDS)
        self._keeper.stop()
        try:
            self.save_counts()
        except DatabaseUnreachableError as error:
            _log.warning("cache.counts_not_stored", reason=error.detail)
        self._store.close()

    def _tend(self) -> None:
        self._ticks += 1
        self._leases.renew()
        if self._ticks % round(SAVE_SECONDS / RENEW_SECONDS) == 0:
            self._first.drop_expired(self._clock.monotonic())
            self.save_counts()
        if self._room.is_over or self._ticks % round(SWEEP_SECONDS / RENEW_SECONDS) == 1:
            self._sweeper.sweep()

    def _is_idle(self) -> bool:
        return (
            self._leases.are_none
            and not self._first.size().entries
            and self._counts.is_empty
            and not self._room.is_over
        )


def _default_bytes(name: str) -> int:
    return int(find_key(CACHE, name).default) * _MB
