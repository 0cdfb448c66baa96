"""How often we may be called: a count for each user, API key or foreign address."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from munshi.api.roles import Principal
from munshi.api.security import LOCAL_OPERATOR
from munshi.errors import AppError, RateLimitExceededError
from munshi.people.throttle import network_of

WINDOW_SECONDS = 60.0
MOST_CALLERS = 10_000
_READ_AFTER_SECONDS = 1.0


@dataclass(slots=True)
class _Count:
    """Requests of this window and of the one before it."""

    window: int
    now: int = 0
    before: int = 0


class RateLimiter:
    """Counts in this process's memory; a desk of several processes allows the limit in each.

    The last minute is reckoned from two windows: of the one before counts the share that still
    lies within a minute. Of more than MOST_CALLERS the one that called longest ago is forgotten.
    """

    def __init__(self, limit: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._read_limit = limit
        self._monotonic = monotonic
        self._limit: int | None = None
        self._read_at = 0.0
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    @property
    def remembered(self) -> int:
        """How many callers are."""
        return len(self._counts)

    async def admit(self, principal: Principal, *, peer: str, path: str) -> None:
        """Count a request. Raises RateLimitExceededError with the seconds to wait."""
        caller = _counted_as(principal, peer, path)
        if caller is None:
            return
        now = self._monotonic()
        if self._limit is None or now - self._read_at >= _READ_AFTER_SECONDS:
            self._read_at = now
            with suppress(AppError):  # without a database the last one holds
                self._limit = await run_in_threadpool(self._read_limit)
        if self._limit is not None:
            self._count(caller, self._limit, now)

    def _count(self, caller: str, limit: int, now: float) -> None:
        window, into = divmod(now, WINDOW_SECONDS)
        count = self._counts.get(caller)
        if count is None:
            count = self._counts[caller] = _Count(window=int(window))
            if len(self._counts) > MOST_CALLERS:
                self._counts.popitem(last=False)
        self._counts.move_to_end(caller)
        if count.window != int(window):
            is_next = count.window == int(window) - 1
            count.before = count.now if is_next else 0
            count.window, count.now = int(window), 0
        within = count.before * (1 - into / WINDOW_SECONDS) + count.now
        if within >= limit:
            wait = _wait(count, limit, into)
            raise RateLimitExceededError(
                f"More than {limit} requests in a minute.",
                hint="An administrator can change api/rate_limit_per_minute.",
                retry_after=wait,
            )
        count.now += 1


def _wait(count: _Count, limit: int, into: float) -> float:
    """Seconds until what counts of both windows has sunk below the limit."""
    if count.now >= limit:  # the rest of this window, and then until enough of it has gone
        return WINDOW_SECONDS - into + WINDOW_SECONDS * (1 - (limit - 1) / count.now)
    share = max(0.0, (limit - 1 - count.now) / count.before)
    return max(1.0, WINDOW_SECONDS * (1 - share) - into)


def _counted_as(principal: Principal, peer: str, path: str) -> str | None:
    """None for whoever is not counted: the local operator, and event streams of the known."""
    if principal.key is not None:
        caller = f"key {principal.key.key_id}"
    elif principal.session is not None:
        caller = f"user {principal.session.user_id}"
    elif principal.name == LOCAL_OPERATOR:
        return None
    else:
        return f"address {network_of(peer)}"
    return None if path.endswith("/events") else caller
