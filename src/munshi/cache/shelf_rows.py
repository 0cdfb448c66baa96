"""A shelf's entries as the database and the process hold them: read, judged, written."""

import math
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from munshi.cache import frames
from munshi.cache.codecs import Codec
from munshi.cache.first_level import Kept, weigh
from munshi.cache.frames import CODES, NOTHING, Head
from munshi.cache.parts import Parts
from munshi.cache.shelf import Shelf
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.cache_store import NewEntry

# By how much clocks of two hosts may differ: an entry of more future than that is not believed.
CLOCK_SLACK = 5.0
MISSING = object()
_MOST_SEEN_ONCE = 20_000
_TRIES = 4
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What had been counted of tags and tables, and the row's number, before a value was made."""

    tags: int
    tables: int
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A value that is to be kept; `holder` is the lease it was worked out under."""

    value: Any
    tags: tuple[str, ...]
    seen: Seen
    seconds: float = 0.0
    holder: int | None = None


class ShelfRows:
    """Nothing here raises DatabaseUnreachableError: a cache that is away is an empty one."""

    def __init__(self, shelf: Shelf[Any], parts: Parts) -> None:
        """Raises ValueError, TypeError for a shelf that may not be."""
        self.is_shared = shelf.check()
        self.codec = Codec(shelf.codec, shelf.holds)
        self.place = parts.first.place(shelf.name)
        self.tally = parts.counts.tally(shelf.name)
        self._shelf = shelf
        self._tables = shelf.tables
        self._code = CODES[shelf.codec]
        self._prefix = f"{shelf.name}:"
        self._longest = CLOCK_SLACK + max(
            shelf.fresh_seconds + shelf.stale_seconds, shelf.negative_seconds
        )
        self._parts = parts
        self._watch = parts.watch
        self._counts = parts.counts
        self._keeper = parts.keeper
        self._now = parts.clock.now
        self._get_row = parts.store.get_entry
        self._seen_once: set[str] = set()

    def full_key(self, key: str) -> str:
        return self._prefix + key

    def seen(self) -> Seen:
        """As known now; older than it is does no harm, newer would."""
        return Seen(self._watch.tags_seen, self._watch.sum_of(self._tables))

    def seen_under_lease(self, key: str) -> Seen:
        """As it is now."""
        self._watch.look(now_at_all=True)
        row, seen = self._row(key), self.seen()
        return Seen(seen.tags, seen.tables, 0 if row is None else row[1])

    def is_good(self, key: str, kept: Kept, at: float) -> bool:
        """Whether an entry of the process may still be handed out."""
        watch = self._watch
        epoch, writes = watch.epoch, watch.writes
        if at >= kept.good_until or watch.is_away:
            return False
        if kept.epoch is not epoch:
            if not watch.is_good(
                self._shelf.name, self._tables, kept.tags, kept.tags_seen, kept.tables_seen
            ):
                return False
            if kept.writes != writes:
                row = self._row(key)
                if row is None or row[1] != kept.change:
                    return False
                kept.writes = writes
            kept.epoch = epoch
        return True

    def fetch(self, key: str, at: float) -> Any:  # noqa: ANN401 - what the shelf holds
        """A fresh value of the database, or MISSING.

        One that is got for the second time is kept in the process; a walk over many keys leaves
        it as it is.
        """
        once = self._seen_once
        if key in once:
            kept = self.load(key)
            if kept is None or at >= kept.fresh_until:
                return MISSING
            return self.copy(kept)
        row = self._row(key)
        if row is None:
            return MISSING
        data, now = row[0], at + self._watch.wall
        head = self._judged(data, key, now)
        if head is None or now >= head[6]:
            return MISSING
        value = self._value(data, head[1], head[2], key)
        if value is not MISSING:
            self._count(key)
            if len(once) >= _MOST_SEEN_ONCE:
                once.clear()
            once.add(key)
        return value

    def load(self, key: str) -> Kept | None:
        """An entry of the database that is of use, and from now on of the process."""
        watch, place = self._watch, self.place
        before, changes, epoch = watch.seen, place.changes, watch.epoch
        writes = watch.writes
        row = self._row(key)
        if row is None:
            return None
        data, change = row
        at = watch.monotonic()
        judged = self._judged(data, key, at + watch.wall)
        if judged is None:
            return None
        head = Head(*judged)
        value = self._value(data, head.code, head.tags_bytes, key)
        if value is MISSING:
            return None
        if not self.is_shared and value is not None:
            value = frames.value_of(data, head.tags_bytes)
        kept = self._kept(value, head, frames.tags_of(data, head.tags_bytes))
        kept.change, kept.weight = change, weigh(len(data))
        # It is counted as got from the database.
        kept.epoch, kept.writes, kept.hits, kept.told = epoch, writes, 1, 1
        self._count(key)
        self._seen_once.discard(key)
        watch.keep(place, key, kept, seen=before, changes=changes)
        return kept

    def store(self, key: str, made: Made) -> int | None:
        """Keep a value; None, or the size of one that is too large or finds no room.

        Raises CacheValueUnfitError.
        """
        shelf, parts, watch = self._shelf, self._parts, self._watch
        codec, data, read, fresh_for, good_for = self._encoded(made.value)
        if len(data) > shelf.most_bytes or not parts.room.has_for(len(data)):
            self.tally.refused += 1
            _log.warning("cache.value_refused", shelf=shelf.name, bytes=len(data))
            parts.keeper.wake()
            return len(data)
        created = self._now()
        now, seen = created.timestamp(), made.seen
        until = now + fresh_for, now + good_for
        framed = frames.write(
            data,
            codec=codec,
            tags=made.tags,
            seen=(seen.tags, seen.tables),
            until=until,
            seconds=made.seconds,
        )
        before, epoch = watch.seen, watch.epoch
        change = self._put(
            NewEntry(
                key=self._prefix + key,
                namespace=shelf.name,
                value=framed,
                codec=codec,
                size=len(framed),
                compute_ms=made.seconds * 1000,
                created_at=created,
                expires_at=created + timedelta(seconds=good_for),
                holder=made.holder,
                seen=seen.number,
            )
        )
        parts.first.drop(self.place, key)
        if change is None:
            return None
        parts.room.add(len(framed))
        parts.keeper.wake()
        if made.holder is not None and watch.is_good(
            shelf.name, self._tables, made.tags, seen.tags, seen.tables
        ):
            head = Head(0, 0, 0, 0, seen.tags, seen.tables, *until, made.seconds)
            value = read if self.is_shared or read is None else data
            kept = self._kept(value, head, made.tags)
            kept.change, kept.weight, kept.epoch = change, weigh(len(framed)), epoch
            watch.keep(self.place, key, kept, seen=before, changes=self.place.changes)
        return None

    def delete(self, key: str) -> None:
        self._parts.first.drop(self.place, key)
        if self._watch.is_away:
            return
        try:
            self._parts.store.delete_entry(self._prefix + key)
        except DatabaseUnreachableError as error:
            _log.warning("cache.not_deleted", shelf=self._shelf.name, reason=error.detail)
        self._parts.first.drop(self.place, key)

    def copy(self, kept: Kept) -> Any:  # noqa: ANN401 - what the shelf holds
        """The value as a caller may have it."""
        if self.is_shared or kept.value is None:
            return kept.value
        return self.codec.decode(kept.value)

    def _row(self, key: str) -> tuple[bytes, int] | None:
        if self._watch.is_away:
            return None
        try:
            return self._get_row(self._prefix + key)
        except DatabaseUnreachableError as error:
            self._watch.lost(error)
            return None

    def _judged(
        self, data: bytes, key: str, now: float
    ) -> tuple[int, int, int, int, int, int, float, float, float] | None:
        """The fields of its head, if it is of use."""
        try:
            head = frames.read(data)
        except ValueError as error:
            self._damaged(key, str(error))
            return None
        # One that would live longer than any may is of a clock that has been put back since.
        if not now < head[7] <= now + self._longest:
            return None
        watch = self._watch
        if (self._tables or watch.has_tags) and not watch.is_good(
            self._shelf.name, self._tables, frames.tags_of(data, head[2]), head[4], head[5]
        ):
            return None
        return head

    def _value(self, data: bytes, code: int, tags_bytes: int, key: str) -> Any:  # noqa: ANN401
        try:
            if code == self._code:
                return self.codec.decode(frames.value_of(data, tags_bytes))
            if code == CODES[NOTHING]:
                return None
            why = "written by another codec"
        except ValueError as error:
            why = str(error)
        self._damaged(key, why)
        return MISSING

    def _damaged(self, key: str, why: str) -> None:
        """It is as if it were not there, and it is told."""
        self.tally.damaged += 1
        self._parts.keeper.wake()
        _log.warning("cache.entry_damaged", shelf=self._shelf.name, key=key, why=why)

    def _count(self, key: str) -> None:
        self.tally.second_hits += 1
        gets, full = self._counts.gets, self._prefix + key
        gets[full] = gets.get(full, 0) + 1
        self._keeper.wake()

    def _encoded(self, value: object) -> tuple[str, bytes, Any, float, float]:
        shelf = self._shelf
        if value is None and shelf.negative_seconds:
            return NOTHING, b"", None, shelf.negative_seconds, shelf.negative_seconds
        data, read = self.codec.encode(value)
        fresh = shelf.fresh_seconds
        return shelf.codec, data, read, fresh, fresh + shelf.stale_seconds

    def _kept(self, value: Any, head: Head, tags: tuple[str, ...]) -> Kept:  # noqa: ANN401
        # The dearer it is, the earlier somebody begins; each process draws for itself.
        chance = -math.log(1.0 - random.random())  # noqa: S311 - no secret depends on it
        early = min(head.seconds * chance, self._shelf.fresh_seconds / 2)
        fresh_until = head.fresh_until - self._watch.wall
        return Kept(
            value=value,
            tags=tags,
            tags_seen=head.tags_seen,
            tables_seen=head.tables_seen,
            fresh_until=fresh_until,
            good_until=head.good_until - self._watch.wall,
            early_at=fresh_until - early,
        )

    def _put(self, row: NewEntry) -> int | None:
        if self._watch.is_away:
            return None
        # For one that was worked out, others wait.
        for tries in range(1 if row.holder is None else _TRIES, 0, -1):
            try:
                return self._parts.store.put_entry(row)
            except DatabaseUnreachableError as error:
                if tries == 1:
                    _log.info("cache.not_stored", shelf=self._shelf.name, reason=error.detail)
        return None
