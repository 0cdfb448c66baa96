"""What every scheduler asks about twice a second: has anything changed, is anything due?"""

from dataclasses import dataclass
from datetime import datetime

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.types import to_text

_SQLITE = """
SELECT revision, EXISTS (SELECT 1 FROM "ScheduleCursors" WHERE next_due <= ?)
FROM "ConfigRevision"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSigns:
    """The revision of the configuration, and whether a due time waits to be dealt with."""

    revision: int
    is_due: bool


class ScheduleBoard:
    """On SQLite by driver SQL on a held connection; elsewhere through the repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, *, now: datetime) -> ScheduleSigns:
        """Raises DatabaseUnreachableError."""
        if self._database.dialect != "sqlite":
            return self.read_by_repositories(now=now)
        revision, is_due = self._database.fetch_held(_SQLITE, (to_text(now),))[0]
        return ScheduleSigns(revision=revision, is_due=bool(is_due))

    def read_by_repositories(self, *, now: datetime) -> ScheduleSigns:
        """The same on every database."""
        with self._database.reading() as tx:
            return ScheduleSigns(
                revision=tx.config.get_revision(), is_due=tx.schedules.is_due(now=now)
            )
