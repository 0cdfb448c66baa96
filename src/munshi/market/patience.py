"""Asking a broker until it answers: it may have to be left alone for some minutes first."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from munshi.clock import Clock
from munshi.errors import (
    BrokerRestingError,
    BrokerThrottledError,
    BrokerUnavailableError,
    BrokerUnclearError,
)

T = TypeVar("T")
# For one request, before its job is put off.
PATIENCE_SECONDS = 900.0
MOST_FAILURES, MOST_UNCLEAR = 12, 3
_MOMENT_SECONDS = 0.001
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 4.0, 60.0


class Patience:
    """For work that has all night. `say` tells what is waited for, and raises when it must stop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask(self, fetch: Callable[[], T], *, say: Callable[[str], None]) -> T:
        """What `fetch` answers in the end; raises what it raised last when patience is over."""
        began = self._clock.monotonic()
        failures = 0
        while True:
            try:
                return fetch()
            except (BrokerThrottledError, BrokerRestingError) as refusal:
                if self._since(began) + refusal.retry_after > PATIENCE_SECONDS:
                    raise
                said = f"Waiting {refusal.retry_after:.0f} seconds: {refusal.detail}"
                say(said)
                # The wait for a throttled class happens at its next permit.
                if isinstance(refusal, BrokerRestingError):
                    self._rest(refusal.retry_after, partial(say, said))
            except BrokerUnavailableError as failure:
                # The line has tried again already; what goes on failing makes the broker rest.
                failures += 1
                most = MOST_UNCLEAR if isinstance(failure, BrokerUnclearError) else MOST_FAILURES
                if failures >= most or self._since(began) > PATIENCE_SECONDS:
                    raise
                seconds = min(_FIRST_WAIT_SECONDS * 2 ** (failures - 1), _LONGEST_WAIT_SECONDS)
                self._rest(seconds, partial(say, f"Trying again soon: {failure.detail}"))

    def _since(self, began: float) -> float:
        return self._clock.monotonic() - began

    def _rest(self, seconds: float, look_up: Callable[[], None]) -> None:
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > _MOMENT_SECONDS:
            self._clock.sleep(min(left, 1.0))
            look_up()
