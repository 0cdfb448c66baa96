"""Whether this process can do its work."""

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import check_revision


class Readiness:
    """Asks the database, each time anew."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def kind(self) -> str:
        return self._database.dialect

    def check(self) -> None:
        """Ping and compare one row.

        Raises DatabaseUnreachableError, DatabaseStaleError or DatabaseForeignError.
        """
        check_revision(self._database)
