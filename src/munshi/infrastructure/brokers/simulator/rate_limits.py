"""Request limits as the brokers publish them, counted in sliding windows of the broker's clock."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from munshi.clock import IST
from munshi.infrastructure.brokers.simulator.state import SimulatorState

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `allowed` calls in any `window_seconds`; a day counts from midnight IST.

    `allowed=None` lifts the limit.
    """

    service: str
    bucket: str
    window_seconds: int
    allowed: int | None


DOCUMENTED_LIMITS = (
    Limit(service="kite", bucket="quote", window_seconds=1, allowed=1),
    Limit(service="kite", bucket="historical", window_seconds=1, allowed=3),
    Limit(service="kite", bucket="other", window_seconds=1, allowed=10),
    Limit(service="breeze", bucket="api", window_seconds=60, allowed=100),
    Limit(service="breeze", bucket="api", window_seconds=DAY_SECONDS, allowed=5000),
)
UNLIMITED = tuple(
    Limit(service=x.service, bucket=x.bucket, window_seconds=x.window_seconds, allowed=None)
    for x in DOCUMENTED_LIMITS
)


class RateLimits:
    """Counts granted calls and says which limit a further one breaks. Refused ones count nothing.

    Windows of a day live in the state file, shorter ones in memory.
    """

    def __init__(self, state: SimulatorState, *, limits: Iterable[Limit]) -> None:
        self._state = state
        self._defaults = {_key(limit): limit for limit in limits}
        self._granted: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)

    def list_limits(self) -> list[Limit]:
        overrides = (Limit(**dict(row)) for row in self._state.run("SELECT * FROM limits"))
        return list((self._defaults | {_key(limit): limit for limit in overrides}).values())

    def save_limit(self, limit: Limit) -> None:
        self._state.run(
            "INSERT INTO limits VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET allowed = excluded.allowed",
            (limit.service, limit.bucket, limit.window_seconds, limit.allowed),
        )

    def clear_overrides(self) -> None:
        """Back to the limits this simulator was started with."""
        self._state.run("DELETE FROM limits")

    def forget_calls(self) -> None:
        self._granted.clear()
        self._state.run("DELETE FROM day_counts")

    def take(self, service: str, bucket: str) -> Limit | None:
        """Grant one call, or name the limit that refuses it."""
        mine = [x for x in self.list_limits() if (x.service, x.bucket) == (service, bucket)]
        now = self._state.now_micros()
        calls = self._granted[service, bucket]
        for limit in mine:
            if limit.allowed is not None and self._used(limit, calls, now=now) >= limit.allowed:
                return limit
        calls.append(now)
        self._state.run(
            "INSERT INTO day_counts VALUES (?, ?, ?, 1)"
            " ON CONFLICT DO UPDATE SET calls = calls + 1",
            (service, bucket, self._day()),
        )
        longest = max((x.window_seconds for x in mine if x.window_seconds < DAY_SECONDS), default=0)
        while calls and calls[0] <= now - longest * 1_000_000:
            calls.popleft()
        return None

    def _used(self, limit: Limit, calls: deque[int], *, now: int) -> int:
        if limit.window_seconds >= DAY_SECONDS:
            rows = self._state.run(
                "SELECT calls FROM day_counts WHERE service = ? AND bucket = ? AND day = ?",
                (limit.service, limit.bucket, self._day()),
            )
            return int(rows[0]["calls"]) if rows else 0
        oldest = now - limit.window_seconds * 1_000_000
        return sum(1 for at in calls if oldest < at <= now)

    def _day(self) -> str:
        return self._state.now().astimezone(IST).date().isoformat()


def _key(limit: Limit) -> tuple[str, str, int]:
    return limit.service, limit.bucket, limit.window_seconds
