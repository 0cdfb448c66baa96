"""Passwords as argon2id, hashed in a few threads of their own and never more at a time."""

import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from munshi.errors import PasswordQueueFullError

# One hash holds tens of megabytes and a core for a tenth of a second: waiting has an end too.
WAITING = 8
RETRY_SECONDS = 2
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCost:
    """Argon2id's parameters: memory in KiB, passes over it; always one lane."""

    memory_kib: int
    passes: int


class PasswordHashing:
    """Hashes and compares. `cost` is asked each time; a hash says itself what it was made with.

    At most `at_once` run and `WAITING` wait; whoever comes then gets PasswordQueueFullError.
    """

    def __init__(self, cost: Callable[[], HashCost], *, at_once: int) -> None:
        self._cost = cost
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="password")
        self._lock = Lock()
        self.free_places = at_once + WAITING
        self._dummies: dict[HashCost, str] = {}
        self.compared = 0

    def hash(self, password: str) -> str:
        """In PHC form, with a salt of its own."""
        return self._run(lambda: self._hash(password, self._cost()))

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one `stored` was made of.

        None, which is no password, is compared with a hash that nothing matches, so that it takes
        as long as any other.
        """
        return self._run(lambda: self._compare(stored, password))

    def is_outdated(self, stored: str) -> bool:
        """Whether the parameters have changed since `stored` was made."""
        return _hasher(self._cost()).check_needs_rehash(stored)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _run(self, work: Callable[[], _Result]) -> _Result:
        self._take_place()
        try:
            future: Future[_Result] = self._pool.submit(work)
            return future.result()
        finally:
            with self._lock:
                self.free_places += 1

    def _take_place(self) -> None:
        with self._lock:
            if self.free_places:
                self.free_places -= 1
                return
        raise PasswordQueueFullError(
            "Too many passwords are being checked at this moment.", retry_after=RETRY_SECONDS
        )

    def _compare(self, stored: str | None, password: str) -> bool:
        self.compared += 1
        cost = self._cost()
        dummy = self._dummy(cost)  # whether it is needed or not, or the first stranger takes longer
        try:
            _hasher(cost).verify(stored or dummy, _spelt(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def _dummy(self, cost: HashCost) -> str:
        if cost not in self._dummies:
            self._dummies[cost] = self._hash(secrets.token_hex(32), cost)
        return self._dummies[cost]

    def _hash(self, password: str, cost: HashCost) -> str:
        return _hasher(cost).hash(_spelt(password))


def _hasher(cost: HashCost) -> PasswordHasher:
    return PasswordHasher(
        time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1, type=Type.ID
    )


def _spelt(password: str) -> bytes:
    """One spelling of what looks the same: an é is one letter on some keyboards, two on others."""
    return unicodedata.normalize("NFC", password).encode()
