"""The database server's clock as an offset from ours, so that hosts agree on leases."""

from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from munshi.clock import Clock, SystemClock
from munshi.errors import AppError, ClockDriftError
from munshi.infrastructure.database.engine import Database

REFRESH_SECONDS = 60.0
MOST_DRIFT = timedelta(seconds=2)
_NOW = {
    "postgresql": text("SELECT clock_timestamp()"),
    "mssql": text("SELECT SYSUTCDATETIME()"),
}


class ServerClock(SystemClock):
    """This machine's clock shifted to the server's; measured again every minute.

    `here` is what the server's clock is compared with: this machine's.
    """

    def __init__(self, database: Database, *, here: Clock | None = None) -> None:
        super().__init__(self._offset_now)
        self._database = database
        self._here = here or SystemClock()
        self._shift = timedelta()
        self._stopped = Event()

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
        Thread(target=self._keep_measuring, name="munshi-clock", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _offset_now(self) -> timedelta:
        if abs(self._shift) > MOST_DRIFT:
            raise ClockDriftError(
                f"This machine's clock has drifted from the database's by {self._shift}.",
                hint="Synchronise this machine's clock and restart.",
            )
        return self._shift

    def _keep_measuring(self) -> None:
        while not self._stopped.wait(REFRESH_SECONDS):
            try:
                self.measure()
            except (AppError, DBAPIError):
                # The last measurement stands until the server answers again.
                continue

    def measure(self) -> None:
        """Ask the server for its time; from now on a drift beyond two seconds is an error."""
        statement = _NOW[self._database.dialect]
        with self._database.reading() as tx:
            tx.connection.execute(statement)  # the first answer pays for the connection
            before = self._here.now()
            there: datetime = tx.connection.execute(statement).scalar_one()
            after = self._here.now()
        if there.tzinfo is None:
            there = there.replace(tzinfo=UTC)
        self._shift = there - (before + (after - before) / 2)
