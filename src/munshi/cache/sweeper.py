"""Keeps the cache within its bounds: what is past its use goes, then what was used least lately."""

from datetime import timedelta

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
BATCH, MOST_BATCHES = 200, 50
# Down to this share, so that not every write makes room again.
_ENOUGH = 0.9
_MB = 1_000_000
# Rows of deleted entries, and others' leases, are of use for moments only.
_GRACE = timedelta(minutes=1)
_TAGS_LIVE = timedelta(days=8)
_log = structlog.get_logger(__name__)


class Sweeper:
    """Every pass is bounded, in short transactions; the next one goes on."""

    def __init__(
        self, database: Database, clock: Clock, *, first: FirstLevel, room: Room, counts: Counts
    ) -> None:
        self._database = database
        self._clock = clock
        self._first = first
        self._room = room
        self._counts = counts
        self._last_over: int | None = None
        self._may_be_told = True

    def sweep(self) -> None:
        """Raises DatabaseUnreachableError."""
        keep_days = self._read_settings()
        self._delete_expired()
        with self._database.observing() as tx:
            size = tx.cache.get_size()
        self._room.counted(size.bytes)
        if self._room.is_over:
            self._make_room(size)
        else:
            self._last_over = None
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
        before = self._clock.now() - _GRACE
        for _ in range(MOST_BATCHES):
            with self._database.operational() as tx:
                if tx.cache.delete_expired(before=before, limit=BATCH) < BATCH:
                    return

    def _make_room(self, size: CacheSize) -> None:
        begun_with, why = size, "other writers are faster"
        try:
            size, evicted = self._evict(size)
            if not evicted:
                why = "there was nothing to remove"
        except DatabaseUnreachableError as error:
            why = error.detail
        except Exception as error:
            _log.exception("cache.eviction_failed")
            why = f"removing failed ({type(error).__name__})"
        self._room.counted(size.bytes)
        is_stuck = size.bytes >= min(begun_with.bytes, self._last_over or begun_with.bytes)
        self._last_over = size.bytes
        if not self._room.is_over:
            self._last_over = None
            self._resolve()
        elif is_stuck:
            self._tell(size, why)

    def _evict(self, size: CacheSize) -> tuple[CacheSize, int]:
        evicted = 0
        for _ in range(MOST_BATCHES):
            with self._database.operational() as tx:
                gone = tx.cache.evict(limit=BATCH)
                size = tx.cache.get_size()
            evicted += len(gone)
            for name in gone:
                self._counts.tally(name).evicted += 1
            if not gone or size.bytes <= _ENOUGH * self._room.most_bytes:
                break
        return size, evicted

    def _tell(self, size: CacheSize, why: str) -> None:
        self._may_be_told = True
        with self._database.transaction() as tx:
            tx.alerts.raise_alert(
                CACHE_FULL,
                kind=CACHE_FULL,
                severity=Severity.WARNING,
                title=f"The cache holds {size.bytes / _MB:.0f} MB, more than the "
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
            tx.cache.cleanup_notes(tags_before=now - _TAGS_LIVE, leases_before=now - _GRACE)
            tx.cache.cleanup_use(before=day_ist(now) - timedelta(days=keep_days))
