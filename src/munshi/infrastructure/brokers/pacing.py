"""Permits to ask a broker, given out no faster than the broker documents."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from threading import Lock

from munshi.clock import IST, Clock
from munshi.errors import BrokerThrottledError, RequestAbandonedError

LONGEST_CLOSURE = 90.0
# The broker's clock and ours do not run exactly alike.
CLOCK_SLACK = 0.02
_SLICE = 0.5
_SHORTEST_SLEEP = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `requests` in any stretch of `seconds`, and `daily` from midnight to midnight IST."""

    requests: int
    seconds: float
    daily: int | None = None


DOCUMENTED_LIMITS: Mapping[str, Limit] = {
    # Kite Connect, "Exceptions and errors", rate limits per api_key.
    "kite.quote": Limit(requests=1, seconds=1.0),
    "kite.historical": Limit(requests=3, seconds=1.0),
    "kite.other": Limit(requests=10, seconds=1.0),
    # Breeze documentation, "API usage": one count for all calls.
    "breeze.api": Limit(requests=100, seconds=60.0, daily=5000),
    # Undocumented pages and files: our own restraint.
    "breeze.master": Limit(requests=2, seconds=60.0),
    "kite.login": Limit(requests=10, seconds=60.0),
    "breeze.login": Limit(requests=10, seconds=60.0),
    # Asked without key and session, to see whether anybody answers: our own restraint too.
    "kite.pulse": Limit(requests=10, seconds=60.0),
    "breeze.pulse": Limit(requests=10, seconds=60.0),
}


class _Lane:
    """The slots of one endpoint class. Not thread-safe; the pacer holds the lock."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.in_flight = 0
        self.cooling: list[float] = []
        self.closed_until = float("-inf")
        self.day: date | None = None
        self.granted_today = 0

    def grant(self, *, now: float, instant: datetime) -> float:
        """Take a slot and return 0, or return the seconds until asking again makes sense."""
        if self.closed_until > now:
            return self.closed_until - now
        self._count_day(instant)
        while self.cooling and self.cooling[0] <= now:
            heapq.heappop(self.cooling)
        if self.in_flight + len(self.cooling) < self.limit.requests:
            self.in_flight += 1
            self.granted_today += 1
            return 0.0
        return self.cooling[0] - now if self.cooling else self.limit.seconds

    def release(self, *, now: float) -> None:
        self.in_flight -= 1
        heapq.heappush(self.cooling, now + self.limit.seconds + CLOCK_SLACK)

    def _count_day(self, instant: datetime) -> None:
        local = instant.astimezone(IST)
        if self.day != local.date():
            self.day, self.granted_today = local.date(), 0
        if self.limit.daily is not None and self.granted_today >= self.limit.daily:
            raise BrokerThrottledError(
                f"Today's {self.limit.daily} requests are used up; the count starts again at "
                "00:00 IST.",
                retry_after=seconds_to_midnight_ist(instant),
            )


class Pacer:
    """Gives out permits per endpoint class, to any number of threads of this process.

    A slot is busy from its grant until the reply, and free one window after that. The broker
    counts arrivals, which fall anywhere in between, so no bunching on the way can put more than
    the limit into one of the broker's windows.
    """

    def __init__(self, limits: Mapping[str, Limit] = DOCUMENTED_LIMITS, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._lanes = {name: _Lane(limit) for name, limit in limits.items()}

    @contextmanager
    def permit(
        self, endpoint_class: str, *, should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Wait for a slot and hold it while the broker is asked.

        A BrokerThrottledError that passes through closes the class for its `retry_after`, for
        every thread. Raises BrokerThrottledError without waiting when the class is closed for
        longer than `LONGEST_CLOSURE` or the day's count is used up, and RequestAbandonedError
        when `should_stop` turns true during the wait.
        """
        lane = self._lanes[endpoint_class]
        self._wait(lane, should_stop=should_stop)
        try:
            yield
        except BrokerThrottledError as refusal:
            self.close_until(endpoint_class, refusal.retry_after)
            raise
        finally:
            with self._lock:
                lane.release(now=self._clock.monotonic())

    def close_until(self, endpoint_class: str, seconds: float) -> None:
        """Give out no permit of the class for `seconds` from now; never shortens a closure."""
        with self._lock:
            lane = self._lanes[endpoint_class]
            lane.closed_until = max(lane.closed_until, self._clock.monotonic() + seconds)

    def _wait(self, lane: _Lane, *, should_stop: Callable[[], bool]) -> None:
        while True:
            if should_stop():
                raise RequestAbandonedError("The wait for the broker's request limit was given up.")
            with self._lock:
                wait = lane.grant(now=self._clock.monotonic(), instant=self._clock.now())
            if wait <= 0:
                return
            if wait > LONGEST_CLOSURE:
                raise BrokerThrottledError(
                    f"The broker asked for no more requests for {wait:.0f} seconds.",
                    retry_after=wait,
                )
            self._clock.sleep(max(min(wait, _SLICE), _SHORTEST_SLEEP))


def seconds_to_midnight_ist(instant: datetime) -> float:
    local = instant.astimezone(IST)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(0), tzinfo=IST)
    return (midnight - local).total_seconds()
