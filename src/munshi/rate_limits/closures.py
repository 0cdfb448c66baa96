"""Limits that the broker said are used up: closed for every process, with an alert."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

import structlog

from munshi.clock import Clock, show_ist
from munshi.domain.alerts import Severity
from munshi.domain.quotas import RatePool
from munshi.errors import BrokerThrottledError, DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

QUOTA_REFUSED = "quota_refused"
_log = structlog.get_logger(__name__)


class Closures:
    """The alert is resolved by whoever then calls with success, if he knew of the closure."""

    def __init__(self, database: Database, clock: Clock, *, mode: BrokerMode) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._lock = Lock()
        self._until: dict[str, float] = {}
        self._known: set[str] = set()

    def close(
        self, endpoint_class: str, pools: Sequence[RatePool], refusal: BrokerThrottledError
    ) -> None:
        """Let nobody call for as long as the broker said; never shortens a closure."""
        now = self._clock.now()
        until = now + timedelta(seconds=refusal.retry_after)
        with self._lock:
            here = self._clock.monotonic() + refusal.retry_after
            self._until[endpoint_class] = max(here, self._until.get(endpoint_class, 0.0))
            self._known.add(endpoint_class)
        try:
            with self._database.transaction() as tx:
                for pool in pools:
                    tx.rate_pools.close_pool(pool.pool_id, until=until, now=now)
                tx.alerts.raise_alert(
                    self._fingerprint(endpoint_class),
                    kind=QUOTA_REFUSED,
                    severity=Severity.WARNING,
                    title=f"A call ({endpoint_class}) was one too many for the broker, although "
                    f"the limits were kept: {refusal.detail} Nobody calls before "
                    f"{show_ist(until)}.",
                    subject=endpoint_class,
                    now=now,
                )
        except DatabaseUnreachableError:
            # This process keeps it; the others hear it from the broker.
            _log.warning("rate_limits.closure_not_shared", endpoint_class=endpoint_class)

    def found_closed(self, endpoint_class: str) -> None:
        """Another process closed it."""
        with self._lock:
            self._known.add(endpoint_class)

    def seconds_left(self, endpoint_class: str) -> float:
        """How long this process itself has to leave the class alone."""
        until = self._until.get(endpoint_class)
        return 0.0 if until is None else max(until - self._clock.monotonic(), 0.0)

    def succeeded(self, endpoint_class: str) -> None:
        """A call went through: what was closed is open again."""
        if endpoint_class not in self._known or self.seconds_left(endpoint_class) > 0:
            return
        with self._lock:
            self._known.discard(endpoint_class)
        try:
            with self._database.transaction() as tx:
                tx.alerts.resolve_alert(self._fingerprint(endpoint_class), now=self._clock.now())
        except DatabaseUnreachableError:
            self.found_closed(endpoint_class)

    def _fingerprint(self, endpoint_class: str) -> str:
        return f"{QUOTA_REFUSED}:{self._mode.value}:{endpoint_class}"
