"""A clock for what lasts: it goes on evenly when somebody sets the machine's."""

from datetime import datetime, timedelta

from munshi.clock import Clock


class SteadyClock:
    """The time it was when it was made, and what has passed since."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()
        self._began_monotonic = clock.monotonic()

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.monotonic() - self._began_monotonic)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
