"""What goes on failing, as when the database is away: said without flooding, tried again soon."""

import random

import structlog

from munshi.clock import Clock
from munshi.infrastructure.causes import cause, trace

FIRST_WAIT, LONGEST_WAIT = 0.25, 2.0
SECONDS_BETWEEN_WORDS = 30.0
_log = structlog.get_logger(__name__)
_random = random.SystemRandom()


class Trouble:
    """Used by one thread. Each cause is logged when it is new and then twice a minute.

    `event` is what is logged as failed; its end is logged as `event` with `_over`.
    """

    def __init__(self, event: str, clock: Clock) -> None:
        self._event = event
        self._clock = clock
        self._said: set[str] = set()
        self._since = self._next_word = 0.0
        self.times = 0

    def met(self, error: BaseException) -> float:
        """It failed again; how many seconds to wait before the next try."""
        now = self._clock.monotonic()
        if not self.times:
            self._since = now
        self.times += 1
        why = cause(error)
        if why not in self._said or now >= self._next_word:
            self._said.add(why)
            self._next_word = now + SECONDS_BETWEEN_WORDS
            _log.error(self._event, cause=why, trace=trace(error), times=self.times)
        doubled: int = 2 ** min(self.times - 1, 10)
        longest = min(LONGEST_WAIT, FIRST_WAIT * doubled)
        return longest * _random.uniform(0.5, 1.0)

    def over(self) -> None:
        """It went well; costs nothing where there was no trouble."""
        if not self.times:
            return
        seconds = round(self._clock.monotonic() - self._since, 1)
        _log.info(f"{self._event}_over", times=self.times, seconds=seconds)
        self.times = 0
        self._said.clear()
