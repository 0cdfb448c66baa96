"""What says that entries are not good any more: numbers in the database, read now and then."""

from collections.abc import Iterable
from threading import Lock

import structlog

from munshi.cache.first_level import FirstLevel, Kept, Place
from munshi.clock import Clock
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.cache_store import CacheStore

LOOK_SECONDS = 0.05
AWAY_SECONDS = 1.0
_MOST_CHANGED = 500
ALL = "all"
_log = structlog.get_logger(__name__)


class Watch:
    """Looks at most every 50 ms, when somebody asks for something.

    `epoch` is another object whenever tags, tables or the database itself have moved: an entry
    of an older epoch has to be looked at again.
    """

    def __init__(self, store: CacheStore, clock: Clock, first: FirstLevel) -> None:
        self._store = store
        self._first = first
        self.monotonic = clock.monotonic
        self._now = clock.now
        # What the wall clock is ahead of the monotonic one, as of the last look.
        self.wall = 0.0
        self.has_tags = False
        # Where each entry has to be compared with its row: when the last write was noticed.
        self.writes = 0
        self._lock = Lock()
        self.look_at = float("-inf")
        self.epoch = object()
        self.is_away = True
        self._seen = -1
        self._tags_seen = -1
        self._tags: dict[str, int] = {}
        self._tables: dict[str, int] = {}

    def look(self, *, now_at_all: bool = False) -> None:
        """Read the numbers, unless somebody has just done it."""
        with self._lock:
            at = self.monotonic()
            if at < self.look_at and not now_at_all:
                return
            try:
                self._look(at)
            except DatabaseUnreachableError as error:
                self.lost(error)

    def soon(self) -> None:
        """This process has changed something itself: the next who asks looks."""
        self.look_at = float("-inf")

    def lost(self, error: DatabaseUnreachableError) -> None:
        """The database is away: nothing is trusted, and nobody asks it for a second."""
        if not self.is_away:
            _log.warning("cache.database_away", reason=error.detail)
        self.is_away = True
        self.epoch = object()
        self.look_at = self.monotonic() + AWAY_SECONDS

    @property
    def seen(self) -> int:
        return self._seen

    @property
    def tags_seen(self) -> int:
        return self._tags_seen

    def sum_of(self, tables: Iterable[str]) -> int:
        """It grows with every change of one of them."""
        counted = self._tables
        return sum(counted.get(table, 0) for table in tables)

    def is_good(
        self,
        name: str,
        tables: tuple[str, ...],
        tags: Iterable[str],
        tags_seen: int,
        tables_seen: int,
    ) -> bool:
        """Whether an entry still stands that was worked out when so much had been seen."""
        known = self._tags
        if known:
            last = known.get(ALL, 0), known.get(shelf_tag(name), 0)
            if max(last) > tags_seen or any(known.get(tag, 0) > tags_seen for tag in tags):
                return False
        return not tables or tables_seen == self.sum_of(tables)

    def keep(self, place: Place, key: str, kept: Kept, *, seen: int, changes: int) -> None:
        """Hold an entry that was read or written when `seen` was the last number.

        A change that was noticed in between, or made by this process, might have been one of it.
        """
        with self._lock:
            if seen == self._seen and changes == place.changes and not self.is_away:
                self._first.keep(place, key, kept)

    def _look(self, at: float) -> None:
        self.wall = self._now().timestamp() - at
        numbers = self._store.get_numbers()
        if numbers.tags != self._tags_seen:
            since = min(self._tags_seen, numbers.tags)
            self._tags = {**self._tags, **dict(self._store.list_tags(since))}
            self._tags_seen = numbers.tags
            self.has_tags = bool(self._tags)
            self.epoch = object()
        if numbers.tables != self._tables:
            self._tables = dict(numbers.tables)
            self.epoch = object()
        if numbers.entries != self._seen:
            self._drop_changed(numbers.entries)
        if self.is_away:
            self.is_away = False
            self.epoch = object()
        self.look_at = at + LOOK_SECONDS

    def _drop_changed(self, newest: int) -> None:
        since, self._seen = self._seen, newest
        changed = self._store.list_changed(since, limit=_MOST_CHANGED + 1)
        if changed is None:
            self.writes = newest
            self.epoch = object()
        elif changed and changed[0][0] == since + 1 and len(changed) <= _MOST_CHANGED:
            self._first.drop_changed(changed)
        else:
            self._first.clear()


def shelf_tag(name: str) -> str:
    return f"shelf:{name}"
