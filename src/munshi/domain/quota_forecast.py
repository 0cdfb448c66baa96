"""When so many requests will have been made, by what a limit lets downloads have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from munshi.clock import IST
from munshi.domain.quotas import day_ist, midnight_ist

_ONE_DAY = timedelta(days=1)
_MOST_DAYS = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What downloads may have of one limit.

    `requests` in any `seconds`, from `opens_at` on; of a day `daily`, of which `used` are gone
    today and `daily_kept` are not theirs before the market has closed.
    """

    requests: int
    seconds: float
    opens_at: datetime
    daily: int | None = None
    daily_kept: int = 0
    used: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`waits_for_day` where a day's quota is used up on the way."""

    ends_at: datetime
    waits_for_day: bool

    def said(self, *, now: datetime) -> str:
        """`will finish tomorrow 10:40, daily quota`, in IST."""
        ends, days = self.ends_at.astimezone(IST), (day_ist(self.ends_at) - day_ist(now)).days
        named = {0: "today", 1: "tomorrow"}.get(days, f"on {ends:%d %b %Y}")
        return f"will finish {named} {ends:%H:%M}" + (", daily quota" if self.waits_for_day else "")


def forecast(
    requests: int,
    allowance: Allowance,
    *,
    kept_until: Callable[[date], datetime | None],
    now: datetime,
) -> Forecast | None:
    """None where the limit lets no download through for years.

    `kept_until` says until when a day's reserve is kept, None for a day without trading.
    """
    at = max(now, allowance.opens_at)
    used = allowance.used if day_ist(at) == day_ist(now) else 0
    rate = allowance.requests / allowance.seconds
    left, waits = requests, False
    for _ in range(_MOST_DAYS):
        midnight = midnight_ist(day_ist(at) + _ONE_DAY)
        for ends, most in _phases(at, midnight, allowance, kept_until(day_ist(at))):
            possible = int((ends - at).total_seconds() * rate)
            room = possible if most is None else min(possible, max(most - used, 0))
            taken = min(left, room)
            left, used = left - taken, used + taken
            if not left:
                ends_at = at + timedelta(seconds=taken / rate if taken else 0)
                return Forecast(ends_at=ends_at, waits_for_day=waits)
            waits = waits or room < possible
            at = ends
        used = 0
    return None


def _phases(
    at: datetime, midnight: datetime, allowance: Allowance, kept_until: datetime | None
) -> list[tuple[datetime, int | None]]:
    """How long the day goes on, and up to which count: first without its reserve."""
    if allowance.daily is None:
        return [(midnight, None)]
    whole = (midnight, allowance.daily)
    if kept_until is None or kept_until <= at:
        return [whole]
    return [(kept_until, allowance.daily - allowance.daily_kept), whole]
