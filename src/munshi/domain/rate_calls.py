"""What is known of the calls made to the brokers: by minute, by day, and how full limits are."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class CallCount:
    """Calls of one class in one minute; `waits` of them waited for a permit."""

    name: str
    minute: datetime
    requests: int
    refusals: int
    waits: int
    waited_seconds: float
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUse:
    """One limit's count of a day (IST)."""

    name: str
    day: date
    requests: int
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySum:
    """All calls of one class since an instant."""

    requests: int = 0
    refusals: int = 0
    waits: int = 0
    waited_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitDay:
    """How far one limit's day (IST) is used; `closed_until` is None while it is open."""

    name: str
    daily: int | None
    used: int
    closed_until: datetime | None

    @property
    def percent(self) -> float:
        return min(100.0, 100.0 * self.used / self.daily) if self.daily else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """How far one limit is used now, and what became of today's calls of its class.

    A slot is `used` until a window after its call. `next_free` is when the next of them can be
    free at the soonest, None while none is used; `closed_until` is None while it is open.
    `curve` has today's calls of each half hour (IST), from midnight on.
    """

    name: str
    requests: int
    seconds: float
    used: int
    next_free: datetime | None
    closed_until: datetime | None
    kept: int
    daily: int | None
    daily_used: int
    daily_kept: int
    resets_at: datetime
    today: DaySum
    curve: tuple[int, ...]

    @property
    def left(self) -> int:
        return max(self.requests - self.used, 0)

    @property
    def daily_left(self) -> int | None:
        return None if self.daily is None else max(self.daily - self.daily_used, 0)
