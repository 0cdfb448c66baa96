"""The first level: what this process holds, bounded by an estimate of its bytes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from munshi.domain.cache import CacheSize

# A decoded value takes several times the bytes it is stored in.
_SWELL, _OVERHEAD = 4, 400


@dataclass(slots=True, eq=False)
class Kept:
    """One entry. Times are on the monotonic clock.

    `epoch` is when it was last found good, `writes` what had been counted when it was last
    compared with its row.

    From `early_at` on somebody should work out the next one, drawn anew in each process.
    """

    value: Any
    tags: tuple[str, ...]
    tags_seen: int
    tables_seen: int
    fresh_until: float
    good_until: float
    early_at: float
    change: int = 0
    weight: int = 0
    epoch: object = None
    writes: int = 0
    hits: int = 0
    told: int = 0
    spared_at: int = 0


@dataclass(slots=True, eq=False)
class Place:
    """A shelf's entries by key. Readers take no lock: one look into a dict is enough.

    `changes` counts what this process has dropped or replaced.
    """

    name: str
    changes: int = 0
    entries: dict[str, Kept] = field(default_factory=dict)


class FirstLevel:
    """Drops what was not used since it was last looked at, oldest first."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = Lock()
        self._places: dict[str, Place] = {}
        self._order: deque[tuple[Place, str, Kept]] = deque()
        self._bytes = 0
        self._count = 0
        self._dropped_hits: dict[str, dict[str, int]] = {}

    def place(self, name: str) -> Place:
        with self._lock:
            return self._places.setdefault(name, Place(name))

    def size(self) -> CacheSize:
        with self._lock:
            return CacheSize(entries=self._count, bytes=self._bytes)

    def keep(self, place: Place, key: str, kept: Kept) -> None:
        with self._lock:
            self._forget(place, key)
            place.entries[key] = kept
            self._order.append((place, key, kept))
            self._bytes += kept.weight
            self._count += 1
            self._make_room()

    def drop(self, place: Place, key: str) -> None:
        with self._lock:
            place.changes += 1
            self._forget(place, key)

    def drop_changed(self, changed: Iterable[tuple[int, str]]) -> None:
        """Forget entries (`shelf:key`) of which this process has not the newest."""
        with self._lock:
            for change, full in changed:
                name, _, key = full.partition(":")
                place = self._places.get(name)
                kept = None if place is None else place.entries.get(key)
                if place is not None and kept is not None and kept.change < change:
                    self._forget(place, key)

    def clear(self) -> None:
        with self._lock:
            for place in self._places.values():
                for key in list(place.entries):
                    self._forget(place, key)
            self._order.clear()

    def drop_expired(self, at: float) -> None:
        """Forget what is of no use to anybody any more."""
        with self._lock:
            for place in self._places.values():
                for key, kept in list(place.entries.items()):
                    if at >= kept.good_until:
                        self._forget(place, key)

    def take_hits(self) -> dict[str, dict[str, int]]:
        """By shelf and key, how often each was got since the last time."""
        with self._lock:
            taken, self._dropped_hits = self._dropped_hits, {}
            for place in self._places.values():
                for key, kept in place.entries.items():
                    _tell(taken, place.name, key, kept)
        return taken

    def _forget(self, place: Place, key: str) -> None:
        kept = place.entries.pop(key, None)
        if kept is not None:
            self._bytes -= kept.weight
            self._count -= 1
            _tell(self._dropped_hits, place.name, key, kept)

    def _make_room(self) -> None:
        tries = 2 * len(self._order) if self._bytes > self.most_bytes else 0
        while self._bytes > self.most_bytes and self._order and tries:
            tries -= 1
            place, key, kept = self._order.popleft()
            if place.entries.get(key) is not kept:
                continue
            if kept.hits > kept.spared_at:
                kept.spared_at = kept.hits
                self._order.append((place, key, kept))
            else:
                self._forget(place, key)
        # What was replaced or forgotten leaves its old place in the order behind.
        if len(self._order) > 64 + 2 * self._count:
            self._order = deque(o for o in self._order if o[0].entries.get(o[1]) is o[2])


def weigh(stored_bytes: int) -> int:
    return _SWELL * stored_bytes + _OVERHEAD


def _tell(hits: dict[str, dict[str, int]], name: str, key: str, kept: Kept) -> None:
    more = kept.hits - kept.told
    if more:
        kept.told = kept.hits
        of_shelf = hits.setdefault(name, {})
        of_shelf[key] = of_shelf.get(key, 0) + more
