"""Tells waiting workers of other processes that there is work; PostgreSQL only.

A hint, never a promise: workers look by themselves too. It goes out after the commit, on a
connection of its own, because a NOTIFY inside a transaction makes all committers queue; and only
while somebody waits, which a shared advisory lock shows.
"""

import threading
from typing import Any

import structlog

from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database

_CHANNEL = "munshi_jobs"
_LOCK = 7_746_713_502  # any constant, one above that of the migrations
LISTEN = f"LISTEN {_CHANNEL}"
WAIT = f"SELECT pg_advisory_lock_shared({_LOCK})"
STOP_WAITING = f"SELECT pg_advisory_unlock_shared({_LOCK})"
_RING = f"SELECT pg_notify('{_CHANNEL}', '') WHERE NOT pg_try_advisory_xact_lock({_LOCK})"
# Whoever enqueues waits for it.
RING_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class JobBell:
    """Rung after a commit; on other databases it does nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._held: Any = None

    def ring(self) -> None:
        """Never fails: workers find the job without it, only later."""
        if self._database.dialect != "postgresql":
            return
        with self._lock:
            try:
                with self._database.translating():
                    if self._held is None:
                        self._held = self._database.driver_connection(answer_seconds=RING_SECONDS)
                        self._held.autocommit = True
                    self._held.execute(_RING)
            except DatabaseUnreachableError as error:
                _log.info("job_bell_not_rung", cause=str(error))
                self._drop()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            with self._database.translating(quietly=True):
                held.close()
