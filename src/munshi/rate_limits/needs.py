"""What a call needs of each limit, and why it may not wait for it."""

from datetime import datetime

from munshi.clock import show_ist
from munshi.domain.quotas import Priority, RatePool, cooling_seconds, seconds_to_midnight_ist
from munshi.errors import BrokerThrottledError
from munshi.infrastructure.database.rate_slots import Need
from munshi.rate_limits.pools import HOLD_SECONDS, PoolsInForce

LONGEST_WAIT = 90.0


def need_of(
    pool: RatePool, priority: Priority, known: PoolsInForce, *, now: datetime, day_row: int | None
) -> Need:
    """Downloads may not have what is kept of the slots, nor the reserve while it is kept."""
    is_bulk = priority is Priority.BULK
    keeps_reserve = is_bulk and known.kept_until is not None and now < known.kept_until
    cooling = cooling_seconds(pool.seconds)
    return Need(
        pool_id=pool.pool_id,
        version=pool.version,
        seconds=cooling,
        above=pool.kept if is_bulk else 0,
        taken_for=HOLD_SECONDS + cooling,
        day_row=day_row,
        day_limit=(pool.daily or 0) - (pool.daily_kept if keeps_reserve else 0),
    )


def used_up(pool: RatePool, need: Need, known: PoolsInForce, now: datetime) -> BrokerThrottledError:
    until_midnight = seconds_to_midnight_ist(now)
    if need.day_limit < (pool.daily or 0) and known.kept_until is not None:
        return BrokerThrottledError(
            f"Downloads have used {need.day_limit} of today's {pool.daily} requests "
            f"({pool.name}); the rest is kept for the trading day, until "
            f"{show_ist(known.kept_until)}.",
            retry_after=min((known.kept_until - now).total_seconds(), until_midnight),
        )
    return BrokerThrottledError(
        f"Today's {pool.daily} requests ({pool.name}) are used up; the count starts again at "
        "00:00 IST.",
        retry_after=until_midnight,
    )


def unless_too_long(seconds: float, endpoint_class: str) -> float:
    if seconds > LONGEST_WAIT:
        raise BrokerThrottledError(
            f"No call ({endpoint_class}) may be made for {seconds:.0f} seconds: its limit is "
            "used up, or the broker asked for a pause.",
            hint="See: munshi limits",
            retry_after=seconds,
        )
    return seconds
