"""Reads the ledger as it lies there, for whoever checks it: nothing is believed, little is kept.

Driver rows, not entities: a trail has millions.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from munshi.domain.ledger.checkpoints import Checkpoint
from munshi.domain.ledger.rows import READABLE, StoredBlock, StoredRow
from munshi.infrastructure.database.ledger_repository import (
    FROM_THE_START,
    Cursor,
    LedgerRepository,
)
from munshi.infrastructure.database.models import (
    audit_blocks,
    audit_keys,
    audit_logs,
    audit_personal_data,
)
from munshi.infrastructure.database.personal_data_repository import PersonalDataRepository

_BLOCKS_AT_A_TIME = 32
_IDS_AT_A_TIME = 10_000
_BEFORE_ALL = -(2**63)
_blocks, _logs = audit_blocks.c, audit_logs.c
_ROWS = f'SELECT id, leaf, canonical, {", ".join(READABLE)} FROM "AuditLogs" WHERE '
_BLOCKS = select(audit_blocks).order_by(_blocks.number).limit(_BLOCKS_AT_A_TIME)
_PUBLIC_KEY = select(audit_keys.c.public_key).where(audit_keys.c.key_id == bindparam("key"))
_PERSONAL_AT_A_TIME = 1000
_PERSONAL = (
    select(audit_personal_data)
    .order_by(audit_personal_data.c.audit_id, audit_personal_data.c.field)
    .limit(_PERSONAL_AT_A_TIME)
)
_IDS = select(_logs.id).order_by(_logs.id).limit(_IDS_AT_A_TIME)


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
        statement, values = self._selection(ids)
        found = self._connection.exec_driver_sql(_ROWS + statement, values)
        return {row[0]: StoredRow(bytes(row[1]), bytes(row[2]), row[3:]) for row in found}

    def _selection(self, ids: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
        if not self._is_sqlite:
            return "id = ANY(%s)", (list(ids),)
        if ids[-1] - ids[0] + 1 == len(ids):
            return "id BETWEEN ? AND ?", (ids[0], ids[-1])
        return "id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)

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

    def personal_values(self) -> Iterator[tuple[dict[int, bytes], Sequence[Any]]]:
        """Personal values a page at a time, with the hashed bytes of those rows that are there."""
        after = 0
        while True:
            page = _PERSONAL.where(audit_personal_data.c.audit_id > after)
            found = self._connection.execute(page).fetchall()
            if not found:
                return
            # The last row's values may go on behind the page.
            if len(found) == _PERSONAL_AT_A_TIME:
                found = [each for each in found if each.audit_id != found[-1].audit_id] or found
            ids = sorted({each.audit_id for each in found})
            yield {key: row.canonical for key, row in self.rows(ids).items()}, found
            after = ids[-1]

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
