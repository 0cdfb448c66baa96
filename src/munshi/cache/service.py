"""What people see of the cache and do to it: its size and use, clearing it, the month's report."""

from datetime import timedelta
from typing import Any

from munshi.cache.cache import Cache
from munshi.cache.report import last_month, report
from munshi.cache.watch import ALL, shelf_tag
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.cache import CacheSize, CacheStatus, CacheUse, ShelfStatus
from munshi.domain.config_keys import CACHE, MOST_MB, find_key
from munshi.domain.quotas import day_ist
from munshi.errors import CacheShelfUnknownError
from munshi.infrastructure.database.engine import Database

_BATCH = 500
_MB = 1_000_000
_NOTHING = CacheSize(entries=0, bytes=0)


class CacheService:
    """Reads what all processes have written; counts of others are at most some seconds old."""

    def __init__(self, database: Database, clock: Clock, cache: Cache) -> None:
        self._database = database
        self._clock = clock
        self._cache = cache

    def status(self) -> CacheStatus:
        self._cache.save_counts()
        today = day_ist(self._clock.now())
        key = find_key(CACHE, MOST_MB)
        with self._database.observing() as tx:
            sizes = tx.cache.list_sizes()
            use = tx.cache.list_use(first=today, end=today + timedelta(days=1))
            entry = tx.config.get_config(CACHE, MOST_MB)
        used = {each.namespace: each for each in use}
        names = sorted({*self._cache.shelf_names, *sizes, *used})
        most: int = key.default if entry is None else entry.value
        return CacheStatus(
            stored=CacheSize(
                entries=sum(each.entries for each in sizes.values()),
                bytes=sum(each.bytes for each in sizes.values()),
            ),
            most_bytes=most * _MB,
            first_level=self._cache.first_level,
            most_first_level_bytes=self._cache.most_first_level_bytes,
            shelves=tuple(
                ShelfStatus(
                    name=name,
                    stored=sizes.get(name, _NOTHING),
                    today=used.get(name, CacheUse(namespace=name, day=today)),
                )
                for name in names
            ),
        )

    def clear(self, shelf: str | None = None, *, actor: Actor) -> int:
        """Have nothing of a shelf, or of all, used any more, in any process; rows that went.

        From its first transaction on it holds, whatever becomes of the rows; that one is audited.
        Raises CacheShelfUnknownError.
        """
        with self._database.observing() as tx:
            known = sorted({*self._cache.shelf_names, *tx.cache.list_sizes()})
        if shelf is not None and shelf not in known:
            raise CacheShelfUnknownError(
                f"The cache has no shelf {shelf!r}.", hint=f"Shelves: {', '.join(known)}."
            )
        now = self._clock.now()
        with self._database.transaction() as tx:
            tx.cache.invalidate_tag(ALL if shelf is None else shelf_tag(shelf), now=now)
            tx.audit.log("cache", "clear", entity_id=shelf or ALL, actor=actor, now=now)
        self._cache.look_soon()
        return self._delete(shelf)

    def report_last_month(self) -> dict[str, Any]:
        """How the cache was used in the last whole month (IST), as people read it."""
        first, end = last_month(day_ist(self._clock.now()))
        with self._database.observing() as tx:
            days = tx.cache.list_use(first=first, end=end)
        return report(days, first=first, end=end)

    def _delete(self, shelf: str | None) -> int:
        deleted = 0
        while True:
            with self._database.operational() as tx:
                more = tx.cache.delete_entries(shelf, limit=_BATCH)
            deleted += more
            if more < _BATCH:
                return deleted
