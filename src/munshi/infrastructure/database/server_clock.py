"""The database server's clock as an offset from ours, so that hosts agree on leases."""

from datetime import UTC, datetime, timedelta
from threading import Condition, Event, Thread

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from munshi.clock import Clock, SystemClock
from munshi.errors import AppError, ClockDriftError
from munshi.infrastructure.database.engine import Database

REFRESH_SECONDS = 60.0
STEP_SECONDS = 2.0
SECONDS_AFTER_FAILURE = 1.0
MOST_DRIFT = timedelta(seconds=2)
_NOW = {
    "postgresql": text("SELECT clock_timestamp()"),
    "mssql": text("SELECT SYSUTCDATETIME()"),
}


class ServerClock(SystemClock):
    """This machine's clock shifted to the server's; measured again every minute.

    A clock that was set meanwhile is measured anew before it is believed. `here` is what the
    server's clock is compared with: this machine's.
    """

    def __init__(self, database: Database, *, here: Clock | None = None) -> None:
        super().__init__(self._offset_now)
        self._database = database
        self._here = here or SystemClock()
        self._shift = timedelta()
        self._ahead = self._wall_ahead()
        self._measured = Condition()
        self._wanted = Event()
        self._stopped = Event()
        self._thread = Thread(target=self._keep_measuring, name="munshi-clock", daemon=True)

    def start(self) -> None:
        """Measure, and keep measuring.

        Raises ClockDriftError if the two clocks are more than two seconds apart.
        """
        self.measure()
        if abs(self._shift) > MOST_DRIFT:
            raise ClockDriftError(
                f"This machine's clock differs from the database's by {self._shift}.",
                hint="Synchronise this machine's clock (timedatectl set-ntp true).",
            )
        self._thread.start()

    @property
    def shift(self) -> timedelta:
        """How far the server's clock was ahead of this machine's when it was measured last."""
        return self._shift

    def stop(self) -> None:
        self._stopped.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(STEP_SECONDS)

    def _offset_now(self) -> timedelta:
        if self._has_stepped():
            self._wanted.set()
            with self._measured:
                is_known = self._measured.wait_for(lambda: not self._has_stepped(), STEP_SECONDS)
            if not is_known:
                raise ClockDriftError(
                    "This machine's clock was set, and the database has not said yet whether "
                    "it is right now."
                )
        if abs(self._shift) > MOST_DRIFT:
            raise ClockDriftError(
                f"This machine's clock has drifted from the database's by {self._shift}.",
                hint="Synchronise this machine's clock and restart.",
            )
        return self._shift

    def _has_stepped(self) -> bool:
        return abs(self._wall_ahead() - self._ahead) > MOST_DRIFT.total_seconds()

    def _wall_ahead(self) -> float:
        """Seconds by which the wall clock is ahead of the one that never steps."""
        return self._here.now().timestamp() - self._here.monotonic()

    def _keep_measuring(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait(REFRESH_SECONDS)
            self._wanted.clear()
            if self._stopped.is_set():
                return
            try:
                self.measure()
            except (AppError, DBAPIError):
                # The last measurement stands until the server answers again.
                self._stopped.wait(SECONDS_AFTER_FAILURE)

    def measure(self) -> None:
        """Ask the server for its time; from now on a drift beyond two seconds is an error."""
        statement = _NOW[self._database.dialect]
        with self._database.observing() as tx:
            tx.connection.execute(statement)  # the first answer pays for the connection
            before = self._here.now()
            there: datetime = tx.connection.execute(statement).scalar_one()
            after = self._here.now()
        if there.tzinfo is None:
            there = there.replace(tzinfo=UTC)
        with self._measured:
            self._shift = there - (before + (after - before) / 2)
            self._ahead = self._wall_ahead()
            self._measured.notify_all()
