"""Whether somebody set this machine's clock, by which slots on SQLite are timed."""

from collections.abc import Iterable
from datetime import timedelta

from munshi.clock import Clock
from munshi.domain.quotas import CLOCK_SLACK, DRIFT, RatePool, cooling_seconds
from munshi.infrastructure.database.engine import Database


class WallClock:
    """Compares it with the one that never steps. PostgreSQL's slots are timed by the server."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen = self._look()

    def hold_if_set(self, pools: Iterable[RatePool]) -> None:
        """When it was set, forward or back, everybody waits one window from now."""
        if self._database.dialect != "sqlite":
            return
        (before, looked), (ahead, at) = self._seen, self._look()
        self._seen = ahead, at
        if abs(ahead - before) <= CLOCK_SLACK + DRIFT * (at - looked):
            return
        now = self._clock.now()
        with self._database.transaction() as tx:
            for pool in pools:
                until = now + timedelta(seconds=cooling_seconds(pool.seconds))
                tx.rate_pools.hold_slots(pool.pool_id, until=until)

    def _look(self) -> tuple[float, float]:
        at = self._clock.monotonic()
        return self._clock.now().timestamp() - at, at
