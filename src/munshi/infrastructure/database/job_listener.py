"""How a worker hears on PostgreSQL that somebody enqueued: the other end of the bell.

It listens on a connection of its own, because on a busy one every answer looks like news. While
the worker waits for jobs this holds a shared advisory lock, by which the bell sees that somebody
wants to be told; the lock goes with the connection, however the worker ends.
"""

from typing import Any

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_bell import LISTEN, STOP_WAITING, WAIT
from munshi.infrastructure.database.server_connection import LEAST_ANSWER_SECONDS
from munshi.infrastructure.wake import Wake

TURNS_BETWEEN_PINGS = 30


class PostgresqlListener:
    """Used by the thread that waits."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._ear = wake.listen()
        self._held: Any = None
        self._waits = False
        self._turns = 0

    def wait(self, seconds: float, *, for_jobs: bool) -> bool:
        """Until roused, rung for, or the time is up; whether to look around.

        Raises DatabaseUnreachableError.
        """
        try:
            with self._database.translating():
                return self._wait(seconds, for_jobs=for_jobs)
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        self._wake.hush(self._ear)
        self._drop()

    def _wait(self, seconds: float, *, for_jobs: bool) -> bool:
        if self._held is None:
            self._held = self._database.driver_connection(answer_seconds=LEAST_ANSWER_SECONDS)
            self._held.autocommit = True
            self._held.execute(LISTEN)
        self._turns += 1
        if self._turns % TURNS_BETWEEN_PINGS == 0:
            self._held.execute(LISTEN)  # a connection that has died in silence would hear nothing
        if for_jobs is not self._waits:
            self._held.execute(WAIT if for_jobs else STOP_WAITING)
            self._waits = for_jobs
            if for_jobs:
                # Whoever commits from now on rings; what was committed before is found by
                # looking once more.
                return True
        roused = self._heard() or self._wake.wait(
            seconds, ear=self._ear, or_readable=self._held.fileno()
        )
        return self._heard() or not roused

    def _heard(self) -> bool:
        """Read what has arrived, without waiting for more."""
        return any(True for _ in self._held.notifies(timeout=0))

    def _drop(self) -> None:
        self._waits = False
        if self._held is not None:
            held, self._held = self._held, None
            with self._database.translating(quietly=True):
                held.close()
