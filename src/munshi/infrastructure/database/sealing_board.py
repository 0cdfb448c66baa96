"""Whether rows wait to be sealed: asked four times a second for ever, so asked cheaply."""

from typing import Any

from sqlalchemy import text

from munshi.infrastructure.database.engine import Database

# Where sealing goes on, as `LedgerRepository.get_head` knows it.
_LAST = """FROM "AuditSealer" s LEFT JOIN (
    SELECT era, last_transaction, last_id FROM "AuditBlocks" ORDER BY number DESC LIMIT 1
) b ON b.era = s.era"""
_SQLITE = f"""SELECT EXISTS (
    SELECT 1 FROM "AuditLogs" WHERE id > (SELECT coalesce(b.last_id, s.floor_id) {_LAST})
)"""
# In the order of the index, so that no statistics can make it read the table.
_POSTGRESQL = text(
    f"""WITH place AS (
    SELECT coalesce(b.last_transaction, 0)::text::xid8 AS last_transaction,
        coalesce(b.last_id, s.floor_id) AS last_id, s.floor_id {_LAST}
)
SELECT 1 FROM "AuditLogs"
WHERE (transaction_id, id) > ((SELECT last_transaction FROM place), (SELECT last_id FROM place))
AND id > (SELECT floor_id FROM place)
AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY transaction_id, id LIMIT 1"""
)


class SealingBoard:
    """On SQLite by a held connection, on PostgreSQL by one statement that needs no transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alone = database.engine.execution_options(isolation_level="AUTOCOMMIT")

    def has_waiting(self) -> bool:
        """Of a ledger that has begun. Raises DatabaseUnreachableError."""
        match self._database.dialect:
            case "sqlite":
                return bool(self._database.fetch_held(_SQLITE, ())[0][0])
            case "postgresql":
                return self._ask_postgresql() is not None
            case _:
                return True

    def _ask_postgresql(self) -> Any:  # noqa: ANN401 - a row or None
        with self._database.connected(self._alone) as connection:
            return connection.execute(_POSTGRESQL).first()
