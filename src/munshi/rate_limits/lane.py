"""Those who wait for a permit of one class, and the few permits that were taken ahead for them."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from threading import Condition

from munshi.clock import Clock
from munshi.domain.quotas import Priority, RatePool
from munshi.errors import RequestAbandonedError
from munshi.infrastructure.database.rate_slots import Held

# A permit taken ahead goes back if nobody comes for it: it is somebody else's meanwhile.
IDLE_SECONDS = 0.05
MOST_AHEAD = 9
SLOW_SECONDS = 2.0
SLICE_SECONDS = 0.5
_TURN_SECONDS = 0.1
_SHORTEST_SLEEP = 0.001


@dataclass(slots=True, eq=False)
class Permit:
    """One call may be made. `good_until` moves on while its slots are held for longer."""

    held: tuple[Held, ...]
    pools: Sequence[RatePool]
    granted_at: datetime
    day: date
    taken_at: float
    good_until: float


Claim = Callable[["Lane", int], "list[Permit] | float"]


class Lane:
    """First come, first served. Whoever is first asks the database, for all who stand behind.

    `claim` gives up to so many permits, or the seconds until asking again is of use.
    """

    def __init__(
        self, endpoint_class: str, priority: Priority, *, claim: Claim, clock: Clock
    ) -> None:
        self.endpoint_class = endpoint_class
        self.priority = priority
        self._claim = claim
        self._clock = clock
        self._turn = Condition()
        self._queue: deque[object] = deque()
        self._stock: deque[Permit] = deque()
        self._expired: list[Permit] = []
        self._ahead = 0
        self._calm_at = float("-inf")
        self._claimed_at = float("-inf")

    def take(self, should_stop: Callable[[], bool]) -> Permit:
        """Wait for a permit; no transaction is open meanwhile.

        Raises RequestAbandonedError when `should_stop` turns true, BrokerThrottledError where
        waiting is of no use, and DatabaseUnreachableError.
        """
        ticket = object()
        with self._turn:
            if not self._queue and not should_stop():
                permit = self._pop()
                if permit is not None:
                    return permit
            self._queue.append(ticket)
        try:
            return self._wait(ticket, should_stop)
        finally:
            with self._turn:
                self._queue.remove(ticket)
                self._turn.notify_all()

    def list_unused(self, *, all_of_them: bool = False) -> list[Permit]:
        """Permits taken ahead for which nobody came; they are no longer in stock."""
        at = self._clock.monotonic()
        with self._turn:
            unused, self._expired = self._expired, []
            while self._stock and (all_of_them or self._stock[0].taken_at + IDLE_SECONDS <= at):
                unused.append(self._stock.popleft())
            if unused:
                self._ahead = 0
        return unused

    @property
    def has_stock(self) -> bool:
        return bool(self._stock or self._expired)

    def _wait(self, ticket: object, should_stop: Callable[[], bool]) -> Permit:
        while True:
            if should_stop():
                raise RequestAbandonedError("The wait for the broker's request limit was given up.")
            with self._turn:
                if self._queue[0] is not ticket:
                    self._turn.wait(_TURN_SECONDS)
                    continue
                permit = self._pop()
                if permit is not None:
                    return permit
                wanted = len(self._queue) + self._ahead
            answer = self._claim(self, wanted)
            if isinstance(answer, float):
                self._rest(answer, should_stop)
            else:
                self._add(answer)

    def _rest(self, seconds: float, should_stop: Callable[[], bool]) -> None:
        end = self._clock.monotonic() + max(seconds, _SHORTEST_SLEEP)
        with self._turn:
            # There is less than is wanted: nobody may hold what he does not use at once.
            self._ahead, self._calm_at = 0, end + 1.0
        while (left := end - self._clock.monotonic()) > 0 and not should_stop():
            self._clock.sleep(max(min(left, SLICE_SECONDS), _SHORTEST_SLEEP))

    def _add(self, permits: Sequence[Permit]) -> None:
        with self._turn:
            at = self._clock.monotonic()
            if at >= self._calm_at and at - self._claimed_at < IDLE_SECONDS:
                most = min(_most_ahead(pool) for pool in permits[0].pools)
                self._ahead = min(2 * self._ahead + 1, most)
            self._claimed_at = at
            self._stock.extend(permits)
            self._turn.notify_all()

    def _pop(self) -> Permit | None:
        at = self._clock.monotonic()
        while self._stock:
            permit = self._stock.popleft()
            if at < permit.good_until:
                return permit
            self._expired.append(permit)
        return None


def _most_ahead(pool: RatePool) -> int:
    """Slow limits are asked one by one: nothing is to be saved there, and days count."""
    is_slow = pool.seconds > SLOW_SECONDS or pool.daily is not None
    return 0 if is_slow else min(MOST_AHEAD, pool.requests // 20)
