"""A connection of the driver's that stays open, where the way through the pool costs too much."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from munshi.infrastructure.database.engine import Database


class HeldConnection:
    """For any thread, one at a time. `opened` makes it when it is first used.

    Whatever goes wrong while it is used closes it, and the next use has a new one.
    """

    def __init__(self, database: Database, opened: Callable[[], Any]) -> None:
        self._database = database
        self._opened = opened
        self._connection: Any = None
        self._lock = threading.RLock()

    @contextmanager
    def used(self) -> Iterator[Any]:
        """Raises DatabaseUnreachableError, and whatever the statements raise."""
        with self._lock:
            try:
                with self._database.translating():
                    if self._connection is None:
                        self._connection = self._opened()
                    yield self._connection
            except BaseException:
                self._drop()
                raise

    def close(self) -> None:
        """It may be used again, and is opened anew then."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        held, self._connection = self._connection, None
        if held is None:
            return
        with self._database.translating(quietly=True):
            # SQLite's lives on when closed, with its lock, as long as any cursor of it does.
            if getattr(held, "in_transaction", False):
                held.rollback()
            held.close()
