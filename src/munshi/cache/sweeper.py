"""Keeps the cache within its bounds: what is past its use goes, then what was used least lately."""

from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate

import structlog

from munshi.cache.counts import Counts
from munshi.cache.first_level import FirstLevel
from munshi.cache.room import Room
from munshi.clock import Clock
from munshi.domain.alerts import Severity
from munshi.domain.cache import CacheSize
from munshi.domain.config_keys import CACHE, FIRST_LEVEL_MB, KEEP_USE_DAYS, MOST_MB, find_key
from munshi.domain.quotas import day_ist
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database

CACHE_FULL = "cache_full"
# In one transaction; and how many of them a pass has at most.
BATCH, MOST_BATCHES = 200, 50
# Down to this share, so that not every write makes room again.
_ENOUGH = 0.9
_MB = 1_000_000
# Others' leases, and the notes of what was changed, are of use for moments only.
_GRACE = timedelta(minutes=1)
_TAGS_LIVE = timedelta(days=8)
_CHANGES_KEPT = 5_000
_log = structlog.get_logger(__name__)


class Sweeper:
    """Every pass is bounded, in short transactions; the next one goes on where it stopped."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        first: FirstLevel,
        room: Room,
        counts: Counts,
        newest: Callable[[], int],
    ) -> None:
        self._database = database
        self._clock = clock
        self._first = first
        self._room = room
        self._counts = counts
        self._newest = newest
        self._behind = ""
        self._may_be_told = True
        self._last_over: int | None = None

    def sweep(self) -> None:
        """Raises DatabaseUnreachableError."""
        keep_days = self._read_settings()
        self._delete_expired()
        self._room.noticed(self._newest())
        if self._room.wants_counting:
            size = self._count()
            if self._room.is_over:
                self._make_room(size)
            else:
                self._resolve()
        self._tidy(keep_days)

    def _read_settings(self) -> int:
        values = {}
        with self._database.observing() as tx:
            for name in (MOST_MB, FIRST_LEVEL_MB, KEEP_USE_DAYS):
                entry = tx.config.get_config(CACHE, name)
                values[name] = find_key(CACHE, name).default if entry is None else entry.value
        self._room.most_bytes = values[MOST_MB] * _MB
        self._first.most_bytes = values[FIRST_LEVEL_MB] * _MB
        return int(values[KEEP_USE_DAYS])

    def _delete_expired(self) -> None:
        now = self._clock.now()
        for _ in range(MOST_BATCHES):
            with self._database.operational() as tx:
                last = tx.cache.delete_expired(after=self._behind, now=now, limit=BATCH)
            self._behind = last or ""
            if last is None:
                return

    def _count(self) -> CacheSize:
        change = self._newest()
        with self._database.observing() as tx:
            size = tx.cache.get_size()
        self._room.counted(size.bytes, size.entries, change=change)
        return size

    def _make_room(self, size: CacheSize) -> None:
        why = "other writers are faster"
        try:
            if not self._evict(size):
                why = "there was nothing to remove"
        except DatabaseUnreachableError as error:
            why = error.detail
        except Exception as error:  # noqa: BLE001 - whatever keeps it from shrinking is told
            _log.exception("cache.eviction_failed")
            why = f"removing failed ({type(error).__name__})"
        left = self._count()
        is_stuck = left.bytes >= size.bytes or left.bytes >= (self._last_over or left.bytes + 1)
        self._last_over = left.bytes if self._room.is_over else None
        if not self._room.is_over:
            self._resolve()
        elif is_stuck:
            self._tell(left, why)

    def _evict(self, size: CacheSize) -> int:
        """How many went."""
        surplus = size.bytes - _ENOUGH * self._room.most_bytes
        with self._database.observing() as tx:
            found = tx.cache.list_least_used(limit=BATCH * MOST_BATCHES)
        freed = accumulate(each.size for each in found)
        going = found[: 1 + sum(size < surplus for size in freed)]
        for begin in range(0, len(going), BATCH):
            batch = going[begin : begin + BATCH]
            with self._database.operational() as tx:
                tx.cache.evict([each.key for each in batch])
            for each in batch:
                self._counts.tally(each.namespace).evicted += 1
        return len(going)

    def _tell(self, size: CacheSize, why: str) -> None:
        self._may_be_told = True
        with self._database.transaction() as tx:
            tx.alerts.raise_alert(
                CACHE_FULL,
                kind=CACHE_FULL,
                severity=Severity.WARNING,
                title=f"The cache holds {size.bytes / _MB:.1f} MB, more than the "
                f"{self._room.most_bytes / _MB:.0f} MB of cache/most_mb, and does not get "
                f"smaller: {why}. New values are not stored meanwhile, only worked out each time.",
                now=self._clock.now(),
            )

    def _resolve(self) -> None:
        """Also what another process told of, or this one before it was started again."""
        if self._may_be_told:
            with self._database.transaction() as tx:
                tx.alerts.resolve_alert(CACHE_FULL, now=self._clock.now())
            self._may_be_told = False

    def _tidy(self, keep_days: int) -> None:
        now = self._clock.now()
        with self._database.operational() as tx:
            tx.cache.fold_changes()
            tx.cache.cleanup_changes(kept=_CHANGES_KEPT)
            tx.cache.cleanup_notes(tags_before=now - _TAGS_LIVE, leases_before=now - _GRACE)
            tx.cache.cleanup_use(before=day_ist(now) - timedelta(days=keep_days))
