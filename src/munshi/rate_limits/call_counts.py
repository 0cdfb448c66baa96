"""Calls counted in memory, and added to the minutes of ApiRateLimits by the batch."""

from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from munshi.domain.rate_calls import CallCount

# Less is what asking takes.
NOTICED_SECONDS = 0.02


@dataclass(slots=True)
class _Minute:
    limit: int
    requests: int = 0
    refusals: int = 0
    waits: int = 0
    waited_seconds: float = 0.0


class CallCounts:
    """What was not stored yet. A killed process loses the last seconds; no day's count does."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._minutes: dict[tuple[str, datetime], _Minute] = {}

    @property
    def is_empty(self) -> bool:
        return not self._minutes

    def add(self, name: str, *, at: datetime, limit: int, waited: float, is_refused: bool) -> None:
        key = name, at.replace(second=0, microsecond=0)
        with self._lock:
            minute = self._minutes.get(key)
            if minute is None:
                minute = self._minutes[key] = _Minute(limit)
            minute.requests += 1
            minute.refusals += is_refused
            if waited >= NOTICED_SECONDS:
                minute.waits += 1
                minute.waited_seconds += waited

    def take(self) -> list[CallCount]:
        """Everything, now counted as stored."""
        with self._lock:
            minutes, self._minutes = self._minutes, {}
        return [
            CallCount(name, at, m.requests, m.refusals, m.waits, m.waited_seconds, m.limit)
            for (name, at), m in sorted(minutes.items())
        ]

    def put_back(self, counts: list[CallCount]) -> None:
        """Storing failed."""
        with self._lock:
            for one in counts:
                minute = self._minutes.setdefault((one.name, one.minute), _Minute(one.limit or 0))
                minute.requests += one.requests
                minute.refusals += one.refusals
                minute.waits += one.waits
                minute.waited_seconds += one.waited_seconds
