"""Tells workers that there is work: those of this process, and those who listen elsewhere."""

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_bell import JobBell
from munshi.infrastructure.wake import Wake


class Rouser:
    """What is done after a job was committed. Workers find it without this, only later."""

    def __init__(self, database: Database) -> None:
        self.wake = Wake()
        self._bell = JobBell(database)

    def rouse(self) -> None:
        self.wake.set()
        self._bell.ring()

    def close(self) -> None:
        self._bell.close()
