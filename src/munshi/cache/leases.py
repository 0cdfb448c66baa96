"""Leases by which one process works an entry out, and which it renews while it does."""

from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from munshi.clock import Clock
from munshi.infrastructure.database.cache_store import CacheStore, draw_holder

# Whoever dies keeps the others waiting for so long.
LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0


class Leases:
    """Those of this process. Raises DatabaseUnreachableError."""

    def __init__(self, store: CacheStore, clock: Clock, *, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._lock = Lock()
        self._held: dict[str, int] = {}

    @property
    def are_none(self) -> bool:
        return not self._held

    def take(self, key: str) -> int | None:
        """The holder's number, None while somebody else has it."""
        holder, now = draw_holder(), self._clock.now()
        until = now + timedelta(seconds=LEASE_SECONDS)
        if not self._store.take_lease(key, holder, now=now, until=until):
            return None
        with self._lock:
            self._held[key] = holder
        self._wake()
        return holder

    def forget(self, key: str, holder: int) -> None:
        """It went with the entry that was written, or is somebody else's now."""
        with self._lock:
            if self._held.get(key) == holder:
                del self._held[key]

    def give_back(self, key: str, holder: int) -> None:
        self.forget(key, holder)
        self._store.drop_lease(key, holder)

    def renew(self) -> None:
        with self._lock:
            held = dict(self._held)
        if held:
            until = self._clock.now() + timedelta(seconds=LEASE_SECONDS)
            self._store.renew_leases(held, until=until)
