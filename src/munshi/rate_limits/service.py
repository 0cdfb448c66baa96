"""What the desk can tell of the brokers' limits: how far they are used, and what was called."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from munshi.clock import Clock
from munshi.domain.alert_rules import Fact
from munshi.domain.config_keys import API, KEEP_MINUTE_DAYS, find_key
from munshi.domain.quota_forecast import Allowance, Forecast, forecast
from munshi.domain.quotas import RatePool, cooling_seconds, day_ist, midnight_ist
from munshi.domain.rate_calls import CallCount, DaySum, LimitDay, LimitStatus
from munshi.infrastructure.database.engine import Database
from munshi.rate_limits.analysis import analyse, last_month
from munshi.rate_limits.pools import PoolBook
from munshi.settings import BrokerMode

CURVE_MINUTES = 30
CURVE_POINTS = 24 * 60 // CURVE_MINUTES
DAYS_LIVE_LONGER = 10
_ONE_DAY = timedelta(days=1)


class RateLimitService:
    """Reads what the gates of all processes have written."""

    def __init__(
        self, database: Database, clock: Clock, *, mode: BrokerMode, pools: PoolBook
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._pools = pools

    def list_limits(self) -> list[LimitStatus]:
        """Every limit by name. Counts of calls are at most some seconds old; the rest is now's."""
        self._pools.in_force()
        now = self._clock.now()
        today = day_ist(now)
        midnight = midnight_ist(today)
        with self._database.reading() as tx:
            pools = tx.rate_pools.list_pools(mode=self._mode)
            taken = tx.rate_pools.count_taken(mode=self._mode, now=now)
            minutes, _ = tx.rate_calls.list_calls(
                since=midnight, until=midnight + _ONE_DAY, mode=self._mode
            )
            counted = {
                pool.name: tx.rate_pools.get_day_count(pool.name, today, mode=self._mode)
                for pool in pools
                if pool.daily is not None
            }
        by_class = _by_class(minutes)
        return [
            _status(
                pool,
                taken.get(pool.pool_id, (0, None)),
                by_class.get(pool.name, []),
                daily_used=counted.get(pool.name, 0),
                now=now,
            )
            for pool in pools
        ]

    def list_days(self) -> list[LimitDay]:
        """The limits that count a day, and those that are shut, by name. Quick."""
        self._pools.in_force()
        now = self._clock.now()
        today = day_ist(now)
        with self._database.reading() as tx:
            return [
                LimitDay(
                    name=pool.name,
                    daily=pool.daily,
                    used=0
                    if pool.daily is None
                    else tx.rate_pools.get_day_count(pool.name, today, mode=self._mode),
                    closed_until=pool.closed_until if pool.closed_until > now else None,
                )
                for pool in tx.rate_pools.list_pools(mode=self._mode)
                if pool.daily is not None or pool.closed_until > now
            ]

    def facts(self) -> list[Fact]:
        """What rules for alerts look at: how much of each day's calls is used."""
        return [
            Fact(
                source="quota",
                name=day.name,
                says=f"{day.used} of today's {day.daily} calls of {day.name} are used.",
                measures={"used": day.used, "used_percent": 100 * day.used / day.daily},
            )
            for day in self.list_days()
            if day.daily
        ]

    def forecast(self, name: str, requests: int) -> Forecast | None:
        """When downloads will have made `requests` more calls that the limit `name` binds.

        By limits alone, as if the broker answered at once and nobody else called. None where
        downloads get nothing.
        """
        pool = self._pools.in_force().by_name[name]
        now = self._clock.now()
        with self._database.reading() as tx:
            used = (
                tx.rate_pools.get_day_count(name, day_ist(now), mode=self._mode)
                if pool.daily is not None
                else 0
            )
        allowance = Allowance(
            requests=pool.requests - pool.kept,
            seconds=cooling_seconds(pool.seconds),
            opens_at=pool.closed_until,
            daily=pool.daily,
            daily_kept=pool.daily_kept,
            used=used,
        )
        return forecast(requests, allowance, kept_until=self._pools.kept_until, now=now)

    def cleanup(self) -> int:
        """Delete minutes that are older than the configuration says; days live ten times longer."""
        key = find_key(API, KEEP_MINUTE_DAYS)
        with self._database.reading() as tx:
            entry = tx.config.get_config(API, KEEP_MINUTE_DAYS)
        days: int = key.default if entry is None else entry.value
        now = self._clock.now()
        deleted, after = 0, 0
        while True:
            with self._database.transaction() as tx:
                more, behind = tx.rate_calls.cleanup_calls(
                    after=after,
                    minutes_before=now - timedelta(days=days),
                    days_before=now - timedelta(days=days * DAYS_LIVE_LONGER),
                )
            deleted += more
            if behind is None:
                return deleted
            after = behind

    def analyse_last_month(self) -> dict[str, Any]:
        """How the limits were used in the last whole month (IST), as people read it."""
        self._pools.in_force()
        first, end = last_month(day_ist(self._clock.now()))
        with self._database.reading() as tx:
            pools = tx.rate_pools.list_pools(mode=self._mode)
            minutes, days = tx.rate_calls.list_calls(
                since=midnight_ist(first), until=midnight_ist(end), mode=self._mode
            )
        return {"mode": self._mode.value, **analyse(pools, minutes, days, first=first, end=end)}


def _by_class(minutes: Iterable[CallCount]) -> dict[str, list[CallCount]]:
    found: defaultdict[str, list[CallCount]] = defaultdict(list)
    for minute in minutes:
        found[minute.name].append(minute)
    return found


def _status(
    pool: RatePool,
    taken: tuple[int, datetime | None],
    minutes: list[CallCount],
    *,
    daily_used: int,
    now: datetime,
) -> LimitStatus:
    midnight = midnight_ist(day_ist(now))
    today, curve = DaySum(), [0] * CURVE_POINTS
    for each in minutes:
        today = replace(
            today,
            requests=today.requests + each.requests,
            refusals=today.refusals + each.refusals,
            waits=today.waits + each.waits,
            waited_seconds=today.waited_seconds + each.waited_seconds,
        )
        curve[(each.minute - midnight) // timedelta(minutes=CURVE_MINUTES)] += each.requests
    used, next_free = taken
    return LimitStatus(
        name=pool.name,
        requests=pool.requests,
        seconds=pool.seconds,
        used=min(used, pool.requests),
        next_free=next_free,
        closed_until=pool.closed_until if pool.closed_until > now else None,
        kept=pool.kept,
        daily=pool.daily,
        daily_used=daily_used,
        daily_kept=pool.daily_kept,
        resets_at=midnight + _ONE_DAY,
        today=today,
        curve=tuple(curve),
    )
