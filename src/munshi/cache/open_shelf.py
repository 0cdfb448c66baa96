"""A shelf in use: got from the process, else from the database, else worked out by one for all."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from munshi.cache.computing import Computing, Task
from munshi.cache.parts import Parts
from munshi.cache.shelf import Shelf
from munshi.cache.shelf_rows import MISSING, Made, ShelfRows
from munshi.errors import CacheValueTooLargeError

T = TypeVar("T")
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a shelf knows: a value, or that there is none."""

    value: T | None


class OpenShelf(Generic[T]):
    """Never fails for want of a database: what cannot be looked up is worked out."""

    def __init__(self, shelf: Shelf[T], parts: Parts) -> None:
        """Raises ValueError, TypeError for a shelf that may not be."""
        self.shelf = shelf
        self._parts = parts
        self._rows = ShelfRows(shelf, parts)
        self._computing = Computing(self._rows, parts)
        self._entries = self._rows.place.entries
        self._is_shared = self._rows.is_shared
        self._watch = parts.watch
        self._monotonic = parts.watch.monotonic
        self._longest_key = _LONGEST_KEY - len(shelf.name) - 1

    def get(self, key: str) -> T | None:
        """A fresh value; None if there is none, or it is known that there is nothing."""
        watch, at = self._watch, self._monotonic()
        if at >= watch.look_at:
            watch.look()
        kept = self._entries.get(key)
        if kept is not None and kept.epoch is watch.epoch and at < kept.fresh_until:
            kept.hits += 1
            value: T | None = kept.value if self._is_shared else self._rows.copy(kept)
            return value
        found: Any = self._fetch(self._shortened(key), at)
        return None if found is MISSING else found

    def look(self, key: str) -> Found[T] | None:
        """What is known of `key` and fresh, which may be that there is nothing."""
        self._look()
        found = self._fetch(self._shortened(key), self._monotonic())
        return None if found is MISSING else Found(found)

    def get_or_compute(self, key: str, compute: Callable[[], T], *, tags: Iterable[str] = ()) -> T:
        """The value, worked out by one caller of all processes if nobody knows it.

        `compute` is called with no transaction open; what it raises is raised by all who wait for
        it in this process. Raises TransactionOpenError where it would have to be called inside
        one.
        """
        watch, at = self._watch, self._monotonic()
        if at >= watch.look_at:
            watch.look()
        kept = self._entries.get(key)
        if kept is not None and kept.epoch is watch.epoch and at < kept.early_at:
            kept.hits += 1
            value: T = kept.value if self._is_shared else self._rows.copy(kept)
            return value
        return self._find_or_compute(Task(self._shortened(key), compute, tuple(tags)))

    def set(self, key: str, value: T, *, tags: Iterable[str] = ()) -> None:
        """Keep a value from now on; whoever works it out at this moment does so for himself.

        Raises CacheValueUnfitError, CacheValueTooLargeError.
        """
        self._look()
        made = Made(value=value, tags=tuple(tags), seen=self._rows.seen())
        size = self._rows.store(self._shortened(key), made)
        if size is not None:
            raise CacheValueTooLargeError(
                f"A value of {size} bytes is too large for the shelf {self.shelf.name} "
                f"({self.shelf.most_bytes} bytes at most), or the cache has no room for it.",
                hint="cache/most_mb says how much the cache may hold: munshi cache stats",
            )

    def delete(self, key: str) -> None:
        """Forget a value, here and everywhere."""
        self._look()
        self._rows.delete(self._shortened(key))

    def _fetch(self, key: str, at: float) -> Any:  # noqa: ANN401 - a value, or MISSING
        kept = self._entries.get(key)
        if kept is not None and at < kept.fresh_until and self._rows.is_good(key, kept, at):
            kept.hits += 1
            return self._rows.copy(kept)
        value = self._rows.fetch(key, at)
        if value is MISSING:
            self._missed()
        return value

    def _find_or_compute(self, task: Task) -> T:
        at = self._monotonic()
        kept = self._entries.get(task.key)
        if kept is not None and self._rows.is_good(task.key, kept, at):
            kept.hits += 1
        else:
            kept = self._rows.load(task.key)
        if kept is None:
            self._missed()
            worked_out: T = self._computing.work_out(task)
            return worked_out
        if at >= kept.early_at:
            if at >= kept.fresh_until:
                self._rows.tally.stale_hits += 1
            self._computing.work_out_behind(task, kept)
        value: T = self._rows.copy(kept)
        return value

    def _look(self) -> None:
        if self._monotonic() >= self._watch.look_at:
            self._watch.look()

    def _missed(self) -> None:
        self._rows.tally.misses += 1
        self._parts.keeper.wake()

    def _shortened(self, key: str) -> str:
        if len(key) <= self._longest_key:
            return key
        return hashlib.sha256(key.encode()).hexdigest()
