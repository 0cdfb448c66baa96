"""Stores what a stream showed; what cannot be stored now waits, up to a limit."""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Generic, TypeVar

import structlog

from munshi.clock import Clock
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.domain.market.provisional_bars import KeptBar
from munshi.errors import (
    DatabaseUnreachableError,
    ProvisionalBarsConflictError,
    StreamQuotesConflictError,
)
from munshi.infrastructure.database.engine import Database

_log = structlog.get_logger()
# More than an hour of a hundred instruments, of each kind; after that history has to do.
MOST_WAITING = 10_000
_BATCH = 1000
_TRIES = 3
Item = TypeVar("Item")


class Waiting(Generic[Item]):
    """What waits to be stored, oldest first. `stored` counts what was, `lost` what was dropped."""

    def __init__(self, *, most: int) -> None:
        self._items: deque[Item] = deque()
        self._most = most
        self.stored = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, items: Sequence[Item]) -> None:
        self._items.extend(items)
        while len(self._items) > self._most:
            self._items.popleft()
            self.lost += 1

    def batch(self) -> list[Item]:
        return list(islice(self._items, _BATCH))

    def is_stored(self, batch: Sequence[Item], *, new: int) -> None:
        """`batch` waits no more; of it `new` were not held before."""
        for _ in batch:
            self._items.popleft()
        self.stored += new


class StreamStore:
    """For one thread. Bars and quotes that come together are stored in one transaction."""

    def __init__(self, database: Database, clock: Clock, *, most: int = MOST_WAITING) -> None:
        self._database = database
        self._clock = clock
        self.bars = Waiting[KeptBar](most=most)
        self.quotes = Waiting[KeptQuote](most=most)

    def add(self, bars: Sequence[KeptBar], quotes: Sequence[KeptQuote] = ()) -> None:
        self.bars.add(bars)
        self.quotes.add(quotes)

    def flush(self) -> None:
        """Store what waits, oldest first; a database that cannot be reached is asked next time."""
        while self.bars or self.quotes:
            bars, quotes = self.bars.batch(), self.quotes.batch()
            try:
                new = self._save(bars, quotes)
            except (
                DatabaseUnreachableError,
                ProvisionalBarsConflictError,
                StreamQuotesConflictError,
            ) as error:
                _log.warning(
                    "stream_waits_for_database",
                    bars=len(self.bars),
                    quotes=len(self.quotes),
                    why=error.detail,
                )
                return
            self.bars.is_stored(bars, new=len(bars))
            self.quotes.is_stored(quotes, new=new)

    def _save(self, bars: Sequence[KeptBar], quotes: Sequence[KeptQuote]) -> int:
        """How many of `quotes` are the first of their minute."""
        for _ in range(_TRIES - 1):
            try:
                return self._save_once(bars, quotes)
            except (ProvisionalBarsConflictError, StreamQuotesConflictError):
                # Another stream was first; the next look finds what it stored.
                continue
        return self._save_once(bars, quotes)

    def _save_once(self, bars: Sequence[KeptBar], quotes: Sequence[KeptQuote]) -> int:
        with self._database.operational() as tx:
            tx.provisional_bars.save_bars(bars, now=self._clock.now())
            return tx.stream_quotes.save_quotes(quotes)
