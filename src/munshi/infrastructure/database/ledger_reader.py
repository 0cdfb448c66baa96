"""Reads the ledger as it lies there, for whoever checks it: nothing is believed, little is kept.

Driver rows, not entities: a trail has millions.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from munshi.domain.ledger.checkpoints import Checkpoint
from munshi.domain.ledger.rows import DOCUMENTS, READABLE, StoredBlock, StoredRow, TableRow
from munshi.infrastructure.database.ledger_repository import (
    FROM_THE_START,
    Cursor,
    LedgerRepository,
)
from munshi.infrastructure.database.models import (
    audit_blocks,
    audit_keys,
    audit_logs,
)
from munshi.infrastructure.database.personal_data_repository import PersonalDataRepository

_BLOCKS_AT_A_TIME = 32
_IDS_AT_A_TIME = 10_000
_BEFORE_ALL = -(2**63)
_blocks, _logs = audit_blocks.c, audit_logs.c
# PostgreSQL's spelling of a time outside Python's calendar is no error but another text.
_PG_INSTANT = """pg_catalog.to_char(
    pg_catalog.timezone('UTC', timestamp), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
)"""
_BLOCKS = select(audit_blocks).order_by(_blocks.number).limit(_BLOCKS_AT_A_TIME)
_PUBLIC_KEY = select(audit_keys.c.public_key).where(audit_keys.c.key_id == bindparam("key"))
_PERSONAL_AT_A_TIME = 1000
_PERSONAL = """SELECT p.audit_id, p.field, p.salt, p.value, l.canonical
FROM "AuditPersonalData" p LEFT JOIN "AuditLogs" l ON l.id = p.audit_id
WHERE p.audit_id > {mark} ORDER BY p.audit_id, p.field LIMIT {mark}"""
_IDS = select(_logs.id).order_by(_logs.id).limit(_IDS_AT_A_TIME)


def as_text(column: str) -> str:
    """A readable column as PostgreSQL puts it into words, spelt as it was hashed."""
    if column in DOCUMENTS:
        return f"{column}::text"
    return _PG_INSTANT if column == "timestamp" else column


def _rows(columns: Iterable[str]) -> str:
    return f'SELECT id, leaf, canonical, {", ".join(columns)} FROM "AuditLogs" WHERE id '


_SQLITE_ROWS, _PG_ROWS = _rows(READABLE), _rows(map(as_text, READABLE))


class PersonalValue(NamedTuple):
    """A row of AuditPersonalData; `canonical` is None where its row is not in the table."""

    audit_id: int
    field: str
    salt: bytes
    value: str
    canonical: bytes | None


class LedgerReader:
    """Within one reading transaction, so that all of it is one state."""

    def __init__(self, connection: Connection, ledger: LedgerRepository) -> None:
        self._connection = connection
        self._ledger = ledger
        self._personal = PersonalDataRepository(connection)
        self._is_sqlite = connection.dialect.name == "sqlite"

    def blocks(self, *, after: int = 0) -> Iterator[StoredBlock]:
        """By number, a few at a time."""
        while True:
            rows = self._connection.execute(_BLOCKS.where(_blocks.number > after)).fetchall()
            for row in rows:
                yield StoredBlock(*row)
            if len(rows) < _BLOCKS_AT_A_TIME:
                return
            after = rows[-1].number

    def rows(self, ids: Sequence[int]) -> dict[int, StoredRow]:
        """Those of the rows `ids` that are there."""
        return {
            row[0]: StoredRow(bytes(row[1] or b""), bytes(row[2] or b""), row[3:])
            for row in self.table_rows(ids)
        }

    def table_rows(self, ids: Sequence[int]) -> list[TableRow]:
        """Those of the rows `ids` that are there, in that order, as the driver has them."""
        found = self._find(ids)
        if [row[0] for row in found] != list(ids):
            stored = {row[0]: row for row in found}
            found = [stored[each] for each in ids if each in stored]
        return found

    def _find(self, ids: Sequence[int]) -> list[TableRow]:
        rows = _SQLITE_ROWS if self._is_sqlite else _PG_ROWS
        lowest, highest = min(ids), max(ids)
        if len(set(ids)) == len(ids) == highest - lowest + 1:
            return self._ask(rows + "BETWEEN {mark} AND {mark}", (lowest, highest))
        if self._is_sqlite:
            every = json.dumps(list(ids))
            return self._ask(rows + "IN (SELECT value FROM json_each({mark}))", (every,))
        return self._ask(rows + "= ANY({mark})", (list(ids),))

    def _ask(self, statement: str, values: tuple[Any, ...]) -> list[TableRow]:
        """Rows in the driver's own way: SQLAlchemy's would cost more than all that is checked."""
        connection: Any = self._connection.connection.driver_connection
        if self._is_sqlite:
            found = connection.execute(statement.format(mark="?"), values)
        else:
            found = connection.cursor(binary=True).execute(statement.format(mark="%s"), values)
        return list(found.fetchall())

    def count(self) -> int:
        return int(
            self._connection.execute(select(func.count()).select_from(audit_logs)).scalar_one()
        )

    def ids(self) -> Iterator[int]:
        """The id of every row there is, in order."""
        after = _BEFORE_ALL
        while True:
            rows = self._connection.execute(_IDS.where(_logs.id > after)).fetchall()
            yield from (row.id for row in rows)
            if len(rows) < _IDS_AT_A_TIME:
                return
            after = rows[-1].id

    def personal_values(self) -> Iterator[PersonalValue]:
        """All of them, by their row."""
        after = 0
        while found := self._ask(_PERSONAL, (after, _PERSONAL_AT_A_TIME)):
            # The last row's values may go on behind the page.
            if len(found) == _PERSONAL_AT_A_TIME:
                found = [each for each in found if each[0] != found[-1][0]] or found
            yield from map(PersonalValue._make, found)
            after = found[-1][0]

    def personal_values_of(self, ids: Sequence[int]) -> list[tuple[int, str, bytes, str]]:
        """Row, field, salt and value of what stands beside these rows."""
        return self._personal.list_of_rows(ids) if ids else []

    def unsealed(self) -> tuple[int, datetime | None]:
        """How many rows wait to be sealed, and since when."""
        return self._ledger.count_unsealed(self._cursor())

    def waiting_ids(self) -> list[int]:
        """The ids of the rows that wait to be sealed."""
        return self._ledger.list_waiting_ids(self._cursor())

    def ids_not_waiting(self) -> Iterator[int]:
        """The ids of all rows but those that wait to be sealed, in order."""
        waiting = set(self.waiting_ids())
        return (each for each in self.ids() if each not in waiting)

    def _cursor(self) -> Cursor:
        return self._ledger.get_head()[1] if self._ledger.is_begun() else FROM_THE_START

    def sealed(self) -> int:
        """How many rows are sealed, wherever they are."""
        return self._ledger.get_head()[0].size if self._ledger.is_begun() else 0

    def checkpoint_of(self, number: int) -> Checkpoint | None:
        """What was signed when a block was sealed; None if there is no such block or key."""
        block = self._ledger.get_block(number)
        key = (
            None
            if block is None
            else self._connection.execute(_PUBLIC_KEY, {"key": block.key_id}).scalar_one_or_none()
        )
        if block is None or key is None:
            return None
        return Checkpoint(
            ledger_id=self._ledger.get_head()[0].ledger_id,
            number=block.number,
            size=block.first_position + block.row_count,
            block_hash=block.block_hash,
            public_key=bytes(key),
            signature=block.signature,
        )
