"""Tells waiting workers of other processes that there is work; PostgreSQL only.

A hint, never a promise: workers look by themselves too. It goes out after the commit, on a
connection of its own, because a NOTIFY inside a transaction makes all committers queue; and only
while somebody waits, which a shared advisory lock shows.
"""

from typing import Any

import structlog

from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.held_connection import HeldConnection

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
        self._held = HeldConnection(database, self._open)

    def ring(self) -> None:
        """Never fails: workers find the job without it, only later."""
        if self._database.dialect != "postgresql":
            return
        try:
            with self._held.used() as connection:
                connection.execute(_RING)
        except DatabaseUnreachableError as error:
            _log.info("job_bell_not_rung", cause=str(error))

    def close(self) -> None:
        self._held.close()

    def _open(self) -> Any:  # noqa: ANN401 - a driver's connection
        connection = self._database.driver_connection(answer_seconds=RING_SECONDS)
        connection.autocommit = True
        return connection
