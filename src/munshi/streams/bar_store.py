"""Stores provisional bars; what cannot be stored now waits, up to a limit, for the next time."""

from collections import deque
from collections.abc import Sequence

import structlog

from munshi.clock import Clock
from munshi.domain.market.provisional_bars import KeptBar
from munshi.errors import DatabaseUnreachableError, ProvisionalBarsConflictError
from munshi.infrastructure.database.engine import Database

_log = structlog.get_logger()
# More than an hour of bars of a hundred instruments; after that history has to do.
MOST_WAITING = 10_000
_BATCH = 1000
_TRIES = 3


class BarStore:
    """For one thread. `stored` and `lost` count bars."""

    def __init__(self, database: Database, clock: Clock, *, most: int = MOST_WAITING) -> None:
        self._database = database
        self._clock = clock
        self._most = most
        self._waiting: deque[KeptBar] = deque()
        self.stored = 0
        self.lost = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, bars: Sequence[KeptBar]) -> None:
        self._waiting.extend(bars)
        while len(self._waiting) > self._most:
            self._waiting.popleft()
            self.lost += 1

    def flush(self) -> None:
        """Store what waits, oldest first; a database that cannot be reached is asked next time."""
        while self._waiting:
            batch = [self._waiting[n] for n in range(min(_BATCH, len(self._waiting)))]
            try:
                self._save(batch)
            except (DatabaseUnreachableError, ProvisionalBarsConflictError) as error:
                _log.warning("provisional_bars_wait", bars=len(self._waiting), why=error.detail)
                return
            for _ in batch:
                self._waiting.popleft()
            self.stored += len(batch)

    def _save(self, bars: Sequence[KeptBar]) -> None:
        for left in reversed(range(_TRIES)):
            try:
                with self._database.operational() as tx:
                    tx.provisional_bars.save_bars(bars, now=self._clock.now())
            except ProvisionalBarsConflictError:
                # Another stream was first; the next look finds its bars.
                if not left:
                    raise
            else:
                return
