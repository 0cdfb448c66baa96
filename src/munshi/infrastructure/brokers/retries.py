"""What is asked again when a broker fails: reads, a few times, and no more than a budget allows."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_random = random.SystemRandom()


class RetryBudget:
    """Each call that goes well earns a part of a retry, so that an outage is not multiplied.

    One for each broker and process; `most` retries may be saved up.
    """

    def __init__(self, *, most: float = 10.0, earned: float = 0.1) -> None:
        self._most = most
        self._earned = earned
        self._left = most
        self._lock = Lock()

    @property
    def left(self) -> float:
        return self._left

    def earn(self) -> None:
        with self._lock:
            self._left = min(self._left + self._earned, self._most)

    def take(self) -> bool:
        """Whether there is one left; it is used up then."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How reads are tried again. `wait` sleeps, and raises RequestAbandonedError if it must stop.

    The wait doubles from `first_seconds`, a half more or less by chance, so that processes do
    not come back in step.
    """

    tries: int
    wait: Callable[[float], None]
    first_seconds: float = 0.5
    longest_seconds: float = 8.0
    budget: RetryBudget = field(default_factory=RetryBudget)

    def pause(self, failed: int) -> bool:
        """Wait after the `failed`th failure; False where it is not worth another try."""
        if failed >= self.tries or not self.budget.take():
            return False
        doubled = self.first_seconds * 2 ** (failed - 1)
        self.wait(min(doubled, self.longest_seconds) * _random.uniform(0.5, 1.5))
        return True


def _never(_: float) -> None:
    raise AssertionError


NO_RETRIES = Retries(tries=1, wait=_never)
