"""The limits as they hold now: worked out from the configuration, kept in ApiRatePools."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Lock

from munshi.clock import Clock
from munshi.domain.config_keys import (
    API,
    KEPT_SHARE,
    LIMIT_PREFIX,
    TRADING_DAY_RESERVE,
    find_key,
)
from munshi.domain.limit_values import limit_entries
from munshi.domain.quotas import (
    DOCUMENTED_LIMITS,
    Limit,
    RatePool,
    cooling_seconds,
    day_ist,
    kept_of,
    limit_on,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.settings import BrokerMode

# A slot whose holder is not heard of again; it says every few seconds that it still lives.
HOLD_SECONDS = 10.0
LOOK_SECONDS = 0.5
_LONG_AGO = timedelta(days=3650)
_REVISION = 'SELECT revision FROM "ConfigRevision"'
KeptUntil = Callable[[date], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolsInForce:
    """Every limit by name, read together, and until when today's reserve is kept."""

    by_name: dict[str, RatePool]
    revision: int
    day: date
    kept_until: datetime | None


class PoolBook:
    """Looks for changes at most twice a second, and works limits out anew on another day.

    `kept_until` says until when downloads must leave the reserve of a day; None for a day on
    which nothing is traded. Raises DatabaseUnreachableError.
    """

    def __init__(
        self, database: Database, clock: Clock, *, mode: BrokerMode, kept_until: KeptUntil
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._kept_until = kept_until
        self._lock = Lock()
        self._known: PoolsInForce | None = None
        self._looked_at = 0.0
        self._day_rows: dict[tuple[str, date], int] = {}

    def in_force(self) -> PoolsInForce:
        with self._lock:
            now, at = self._clock.now(), self._clock.monotonic()
            known = self._known
            if known is not None and known.day == day_ist(now):
                if at - self._looked_at < LOOK_SECONDS:
                    return known
                if self._revision() == known.revision:
                    self._looked_at = at
                    return known
            self._known = self._work_out(now)
            self._looked_at = at
            return self._known

    def kept_until(self, day: date) -> datetime | None:
        """Until when downloads leave the reserve of `day`; None where nothing is traded."""
        return self._kept_until(day)

    def forget(self) -> None:
        """Somebody else has changed a limit: read again."""
        with self._lock:
            self._known = None

    def day_row(self, pool: RatePool, day: date) -> int:
        """Where the calls of `pool` on `day` are counted."""
        with self._lock:
            found = self._day_rows.get((pool.name, day))
            if found is None:
                with self._database.transaction() as tx:
                    found = tx.rate_pools.open_day(
                        pool.name, day, mode=self._mode, limit=pool.daily
                    )
                self._day_rows = {key: row for key, row in self._day_rows.items() if key[1] >= day}
                self._day_rows[pool.name, day] = found
            return found

    def _revision(self) -> int:
        if self._database.dialect == "sqlite":
            return int(self._database.fetch_held(_REVISION, ())[0][0])
        with self._database.observing() as tx:
            return tx.config.get_revision()

    def _work_out(self, now: datetime) -> PoolsInForce:
        today = day_ist(now)
        kept_until = self._kept_until(today)
        with self._database.transaction() as tx:
            # First the revision: what is newer than it is worked out once more.
            revision = tx.config.get_revision()
            limits = _Limits(tx, today)
            stored = {pool.name: pool for pool in tx.rate_pools.list_pools(mode=self._mode)}
            for name in DOCUMENTED_LIMITS:
                self._bring_about(tx, limits.pool(name, revision), stored.get(name), now)
            pools = {pool.name: pool for pool in tx.rate_pools.list_pools(mode=self._mode)}
        return PoolsInForce(by_name=pools, revision=revision, day=today, kept_until=kept_until)

    def _bring_about(
        self, tx: Transaction, wanted: RatePool, old: RatePool | None, now: datetime
    ) -> None:
        if old is None:
            tx.rate_pools.save_new_pool(
                replace(wanted, closed_until=now - _LONG_AGO), mode=self._mode, now=now
            )
            return
        if not _is_newer(wanted, old):
            return
        changed = _figures(wanted) != _figures(old)
        new = replace(wanted, pool_id=old.pool_id, version=old.version + changed)
        if not tx.rate_pools.save_pool(new, read_version=old.version, now=now) or not changed:
            return
        tx.rate_pools.resize_pool(new, now=now)
        if new.requests < old.requests or new.seconds != old.seconds:
            # Calls under the old limit may still be on their way, and count against the new one.
            longest = max(cooling_seconds(new.seconds), cooling_seconds(old.seconds))
            free_at = now + timedelta(seconds=HOLD_SECONDS + longest)
            tx.rate_pools.hold_slots(new.pool_id, until=free_at)


class _Limits:
    """What the configuration says of every limit on one day."""

    def __init__(self, tx: Transaction, day: date) -> None:
        self._day = day
        self._values = {
            entry.config_key: entry.value for entry in tx.config.get_configs_by_type(API)
        }

    def pool(self, name: str, revision: int) -> RatePool:
        limit = self._limit(name)
        return RatePool(
            pool_id=0,
            name=name,
            requests=limit.requests,
            seconds=limit.seconds,
            daily=limit.daily,
            kept=kept_of(limit.requests, self._percent(KEPT_SHARE)),
            daily_kept=kept_of(limit.daily or 0, self._percent(TRADING_DAY_RESERVE)),
            closed_until=datetime.max.replace(tzinfo=UTC),
            version=1,
            config_revision=revision,
            worked_out_for=self._day,
        )

    def _limit(self, name: str) -> Limit:
        value = self._values.get(LIMIT_PREFIX + name)
        entries = [] if value is None else limit_entries(value)
        return limit_on(self._day, DOCUMENTED_LIMITS[name], entries)

    def _percent(self, key: str) -> int:
        default: int = find_key(API, key).default
        value: int = self._values.get(key, default)
        return value


def _is_newer(wanted: RatePool, old: RatePool) -> bool:
    """Whether nobody has worked it out from something newer already."""
    return (wanted.config_revision, wanted.worked_out_for) > (
        old.config_revision,
        old.worked_out_for,
    ) and wanted.worked_out_for >= old.worked_out_for


def _figures(pool: RatePool) -> tuple[object, ...]:
    return pool.requests, pool.seconds, pool.daily, pool.kept, pool.daily_kept
