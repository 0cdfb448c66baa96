"""A shelf's entries as the database and the process hold them: read, judged, written."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from munshi.cache.codecs import NOTHING, Codec, checksum
from munshi.cache.first_level import Kept, weigh
from munshi.cache.parts import Parts
from munshi.cache.shelf import Shelf
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.cache_store import GONE, NewEntry, StoredEntry

# By how much clocks of two hosts may differ: an entry of more future than that is not believed.
CLOCK_SLACK = 5.0
GONE_SECONDS = 60.0
_SEPARATOR = "\n"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What had been counted of tags and tables before a value was worked out."""

    tags: int
    tables: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A value that is to be kept; `holder` is the lease it was worked out under."""

    value: Any
    tags: tuple[str, ...]
    seen: Seen
    seconds: float | None = None
    holder: int | None = None


@dataclass(frozen=True, slots=True)
class _Life:
    """Seconds until a value is not fresh, and until it is no good, any more."""

    fresh: float
    good: float


class ShelfRows:
    """Nothing here raises DatabaseUnreachableError: a cache that is away is an empty one."""

    def __init__(self, shelf: Shelf[Any], parts: Parts) -> None:
        """Raises ValueError, TypeError for a shelf that may not be."""
        self.is_shared = shelf.check()
        self.codec = Codec(shelf.codec, shelf.holds)
        self.place = parts.first.place(shelf.name)
        self.tally = parts.counts.tally(shelf.name)
        self._shelf = shelf
        self._parts = parts
        self._watch = parts.watch

    def full_key(self, key: str) -> str:
        return f"{self._shelf.name}:{key}"

    def seen(self) -> Seen:
        """As known now; older than it is does no harm, newer would."""
        return Seen(self._watch.tags_seen, self._watch.sum_of(self._shelf.tables))

    def is_good(self, kept: Kept, at: float) -> bool:
        """Whether an entry of the process may still be handed out."""
        epoch = self._watch.epoch
        if at >= kept.good_until or self._watch.is_away:
            return False
        if kept.epoch is not epoch:
            if not self._stands(kept.tags, Seen(kept.tags_seen, kept.tables_seen)):
                return False
            kept.epoch = epoch
        return True

    def load(self, key: str) -> Kept | None:
        """The row of the database, if it is good."""
        before = self._watch.seen
        if self._watch.is_away:
            return None
        try:
            row = self._parts.store.get_entry(self.full_key(key))
        except DatabaseUnreachableError as error:
            self._watch.lost(error)
            return None
        kept = None if row is None or row.codec == GONE else self._read(row, key)
        if kept is not None:
            self._watch.keep(self.place, key, kept, seen=before)
        return kept

    def store(self, key: str, made: Made) -> int | None:
        """Keep a value; None, or the size of one that is too large or finds no room.

        Raises CacheValueUnfitError.
        """
        shelf, room = self._shelf, self._parts.room
        if made.value is None and shelf.negative_seconds:
            data, read, codec = b"", None, NOTHING
            life = _Life(shelf.negative_seconds, shelf.negative_seconds)
        else:
            data, read = self.codec.encode(made.value)
            codec = shelf.codec
            life = _Life(shelf.fresh_seconds, shelf.fresh_seconds + shelf.stale_seconds)
        if len(data) > shelf.most_bytes or not room.has_for(len(data)):
            self.tally.refused += 1
            _log.warning("cache.value_refused", shelf=shelf.name, bytes=len(data))
            self._parts.keeper.wake()
            return len(data)
        epoch, before = self._watch.epoch, self._watch.seen
        change = self._put(self._row(key, data, codec, made, life))
        if change is not None:
            room.add(len(data))
            kept = self._kept(
                data if codec != NOTHING and not self.is_shared else read,
                size=len(data),
                change=change,
                made=made,
                life=life,
            )
            kept.epoch = epoch if self._stands(made.tags, made.seen) else None
            self._watch.keep(self.place, key, kept, seen=before)
            self._parts.keeper.wake()
        return None

    def delete(self, key: str) -> None:
        """Leave a row that says so for a while, for other processes to see."""
        made = Made(value=None, tags=(), seen=self.seen())
        self._parts.first.drop(self.place, key)
        self._put(self._row(key, b"", GONE, made, _Life(GONE_SECONDS, GONE_SECONDS)))

    def copy(self, kept: Kept) -> Any:  # noqa: ANN401 - what the shelf holds
        """The value as a caller may have it."""
        if self.is_shared or kept.value is None:
            return kept.value
        return self.codec.decode(kept.value)

    def _stands(self, tags: tuple[str, ...], seen: Seen) -> bool:
        shelf = self._shelf
        return self._watch.is_good(shelf.name, shelf.tables, tags, (seen.tags, seen.tables))

    def _read(self, row: StoredEntry, key: str) -> Kept | None:
        shelf, epoch = self._shelf, self._watch.epoch
        now = self._parts.clock.now()
        left = (row.expires_at - now).total_seconds()
        longest = max(shelf.fresh_seconds + shelf.stale_seconds, shelf.negative_seconds)
        # One that would live longer than any may is of a clock that has been put back since.
        if left <= 0 or left > longest + CLOCK_SLACK:
            return None
        tags = () if row.tags is None else tuple(row.tags.split(_SEPARATOR))
        seen = Seen(row.tags_seen, row.tables_seen)
        if not self._stands(tags, seen):
            return None
        value: Any = None
        if row.codec != NOTHING:
            try:
                value = self.codec.read(row.value, name=row.codec, crc=row.checksum)
            except ValueError as error:
                self.tally.damaged += 1
                self._parts.keeper.wake()
                _log.warning("cache.entry_damaged", shelf=shelf.name, key=key, why=str(error))
                return None
            value = value if self.is_shared else row.value
        kept = self._kept(
            value,
            size=len(row.value),
            change=row.change,
            made=Made(value=None, tags=tags, seen=seen, seconds=(row.compute_ms or 0.0) / 1000),
            life=_Life((row.fresh_until - now).total_seconds(), left),
        )
        # It is counted as got from the database.
        kept.epoch, kept.hits, kept.told = epoch, 1, 1
        return kept

    def _kept(
        self,
        value: Any,  # noqa: ANN401
        *,
        size: int,
        change: int,
        made: Made,
        life: _Life,
    ) -> Kept:
        at = self._watch.monotonic()
        # The dearer it is, the earlier somebody begins; each process draws for itself.
        chance = -math.log(1.0 - random.random())  # noqa: S311 - no secret depends on it
        early = min((made.seconds or 0.0) * chance, self._shelf.fresh_seconds / 2)
        return Kept(
            value=value,
            weight=weigh(size),
            change=change,
            tags=made.tags,
            tags_seen=made.seen.tags,
            tables_seen=made.seen.tables,
            fresh_until=at + life.fresh,
            good_until=at + life.good,
            early_at=at + life.fresh - early,
        )

    def _row(self, key: str, data: bytes, codec: str, made: Made, life: _Life) -> NewEntry:
        now: datetime = self._parts.clock.now()
        return NewEntry(
            key=self.full_key(key),
            namespace=self._shelf.name,
            value=data,
            codec=codec,
            checksum=checksum(data),
            compute_ms=None if made.seconds is None else made.seconds * 1000,
            created_at=now,
            fresh_until=now + timedelta(seconds=life.fresh),
            expires_at=now + timedelta(seconds=life.good),
            tags=_SEPARATOR.join(made.tags) or None,
            tags_seen=made.seen.tags,
            tables_seen=made.seen.tables,
            holder=made.holder,
        )

    def _put(self, row: NewEntry) -> int | None:
        if self._watch.is_away:
            return None
        try:
            return self._parts.store.put_entry(row)
        except DatabaseUnreachableError as error:
            _log.info("cache.not_stored", shelf=self._shelf.name, reason=error.detail)
            return None
