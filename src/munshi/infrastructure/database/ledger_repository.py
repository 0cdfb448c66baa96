"""SQL for AuditBlocks and AuditSealer, and for the rows that wait to be sealed."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, bindparam, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.ledger.blocks import (
    MOST_ROWS,
    NOTHING_BEFORE,
    Block,
    Head,
    pack_ids,
    pack_leaves,
    unpack_ids,
)
from munshi.domain.ledger.rows import StoredBlock
from munshi.infrastructure.database.models import (
    audit_blocks,
    audit_logs,
    audit_sealer,
)
from munshi.infrastructure.database.types import Instant

_blocks, _sealer = audit_blocks.c, audit_sealer.c
_SEALER = select(_sealer.ledger_id, _sealer.era, _sealer.server, _sealer.floor_id)
_NEW_SEALER = insert(audit_sealer)
_LAST = (
    select(
        _blocks.number,
        _blocks.first_position,
        _blocks.row_count,
        _blocks.block_hash,
        _blocks.era,
        _blocks.last_transaction,
        _blocks.last_id,
    )
    .order_by(_blocks.number.desc())
    .limit(1)
)
_INSERT = insert(audit_blocks)
_now = bindparam("now", type_=Instant)
_LEASE = (
    update(audit_sealer)
    .where(
        or_(
            _sealer.holder == bindparam("me"),
            _sealer.lease_until.is_(None),
            _sealer.lease_until <= _now,
        )
    )
    .values(holder=bindparam("me"), lease_until=bindparam("until", type_=Instant))
)
_HOLDER = select(_sealer.holder, _sealer.lease_until)
_NEW_ERA = update(audit_sealer).values(
    era=bindparam("new_era"), server=bindparam("new_server"), floor_id=bindparam("floor")
)
_LOCK = text('LOCK TABLE "AuditLogs" IN SHARE ROW EXCLUSIVE MODE')
_ALL_IDS = select(_blocks.ids)
_ALL_ROWS = select(audit_logs.c.id, audit_logs.c.leaf).order_by(audit_logs.c.id)
_BLOCK = select(audit_blocks).where(_blocks.number == bindparam("number"))
_LIKELY_BLOCK = select(func.min(_blocks.number)).where(_blocks.last_id >= bindparam("row"))
_NUMBERED_IDS = select(_blocks.number, _blocks.ids).order_by(_blocks.number.desc())
_HIGHEST = select(func.coalesce(func.max(audit_logs.c.id), 0))
# One writer at a time: ids are handed out in the order of the commits.
_BEHIND = "id > :last_id"
# A slow transaction may still commit a lower id. What is below the oldest transaction that runs
# is complete, and this statement's snapshot says which that is.
_BEHIND_POSTGRESQL = """(transaction_id, id) > (CAST(:last_transaction AS text)::xid8, :last_id)
AND id > :floor_id"""
_COMPLETE = "transaction_id < pg_snapshot_xmin(pg_current_snapshot())"
_WAITING = {
    "sqlite": text(f'SELECT id, leaf, 0 FROM "AuditLogs" WHERE {_BEHIND} ORDER BY id LIMIT :most'),
    "postgresql": text(
        # Ordered by the bare name it would be by the text that is selected, 1000 before 999.
        f"""SELECT id, leaf, transaction_id::text AS told FROM "AuditLogs"
WHERE {_BEHIND_POSTGRESQL} AND {_COMPLETE} ORDER BY transaction_id, id LIMIT :most"""
    ),
    # A shared lock of the whole table waits for every writer in flight. Never tried on a server.
    "mssql": text(
        f"""SELECT TOP (:most) id, leaf, 0 FROM [AuditLogs] WITH (TABLOCK, HOLDLOCK)
WHERE {_BEHIND} ORDER BY id"""
    ),
}
_UNSEALED = {
    dialect: select(func.count(), func.min(audit_logs.c.timestamp)).where(
        text(_BEHIND_POSTGRESQL if dialect == "postgresql" else _BEHIND)
    )
    for dialect in _WAITING
}
_UNSEALED_IDS = {
    dialect: select(audit_logs.c.id).where(
        text(_BEHIND_POSTGRESQL if dialect == "postgresql" else _BEHIND)
    )
    for dialect in _WAITING
}
_SERVER = {
    "postgresql": text("SELECT system_identifier::text FROM pg_control_system()"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where sealing goes on: behind this row of this era."""

    era: int
    last_transaction: int
    last_id: int
    floor_id: int


FROM_THE_START = Cursor(era=0, last_transaction=0, last_id=0, floor_id=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Rows in the order in which they are to be sealed, and the cursor behind them."""

    ids: tuple[int, ...]
    leaves: tuple[bytes, ...]
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBlock:
    """A block as it is stored: behind which row sealing goes on, and who signed it."""

    block: Block
    cursor: Cursor
    key_id: str
    signature: bytes


class LedgerRepository:
    """Appends blocks; there is no update and no delete."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    def is_begun(self) -> bool:
        return self._connection.execute(_SEALER).one_or_none() is not None

    def get_head(self) -> tuple[Head, Cursor]:
        """Where the ledger ends and sealing goes on. It must have begun."""
        sealer = self._connection.execute(_SEALER).one()
        last = self._connection.execute(_LAST).one_or_none()
        within = last is not None and last.era == sealer.era
        cursor = Cursor(
            era=sealer.era,
            last_transaction=last.last_transaction if last is not None and within else 0,
            last_id=last.last_id if last is not None and within else sealer.floor_id,
            floor_id=sealer.floor_id,
        )
        if last is None:
            none_yet = Head(ledger_id=sealer.ledger_id, number=0, size=0, block_hash=NOTHING_BEFORE)
            return none_yet, cursor
        head = Head(
            ledger_id=sealer.ledger_id,
            number=last.number,
            size=last.first_position + last.row_count,
            block_hash=last.block_hash,
        )
        return head, cursor

    def begin(self) -> None:
        """Give the ledger its name, unless it has one."""
        if self.is_begun():
            return
        with suppress(IntegrityError), self._connection.begin_nested():
            self._connection.execute(
                _NEW_SEALER,
                {
                    "id": 1,
                    "ledger_id": secrets.token_hex(16),
                    "era": 1,
                    "server": self.get_server(),
                    "floor_id": 0,
                },
            )

    def get_block(self, number: int) -> StoredBlock | None:
        row = self._connection.execute(_BLOCK, {"number": number}).one_or_none()
        return None if row is None else StoredBlock(*row)

    def find_block(self, audit_id: int) -> StoredBlock | None:
        """The block that holds a row, found from where it most likely is outwards."""
        likely = self._connection.execute(_LIKELY_BLOCK, {"row": audit_id}).scalar_one_or_none()
        row = None if likely is None else self.get_block(likely)
        if row is not None and audit_id in unpack_ids(row.ids):
            return row
        # A slow transaction's rows stand behind later ones.
        for number, packed in self._connection.execute(_NUMBERED_IDS):
            if audit_id in unpack_ids(packed):
                return self.get_block(number)
        return None

    def get_server(self) -> str:
        """Which server counts the transactions; only PostgreSQL's count tells anything."""
        asked = _SERVER.get(self._dialect)
        return "" if asked is None else str(self._connection.execute(asked).scalar_one())

    def is_elsewhere(self) -> bool:
        """Whether the rows were brought here from another server."""
        sealer = self._connection.execute(_SEALER).one_or_none()
        return sealer is not None and sealer.server != self.get_server()

    def list_waiting(self, cursor: Cursor, *, blocks: int) -> list[Waiting]:
        """The next rows to be sealed, all of transactions that have ended, by their blocks."""
        rows = self._connection.execute(
            _WAITING[self._dialect], {**_place(cursor), "most": blocks * MOST_ROWS}
        ).fetchall()
        found = []
        for start in range(0, len(rows), MOST_ROWS):
            ids, leaves, transactions = zip(*rows[start : start + MOST_ROWS], strict=True)
            behind = replace(cursor, last_id=ids[-1], last_transaction=int(transactions[-1]))
            found.append(Waiting(ids=ids, leaves=tuple(map(bytes, leaves)), cursor=behind))
        return found

    def count_unsealed(self, cursor: Cursor) -> tuple[int, datetime | None]:
        """How many rows wait, those of open transactions not counted, and since when."""
        row = self._connection.execute(_UNSEALED[self._dialect], _place(cursor)).one()
        return row[0], row[1]

    def list_waiting_ids(self, cursor: Cursor) -> list[int]:
        """The rows behind the cursor, those of open transactions not among them."""
        found = self._connection.execute(_UNSEALED_IDS[self._dialect], _place(cursor))
        return [row.id for row in found]

    def save_blocks(self, blocks: Sequence[SignedBlock]) -> bool:
        """Append all of them; False, and none, if somebody else has put another one there."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(_INSERT, [_values(each) for each in blocks])
        except IntegrityError:
            return False
        return True

    def is_leased_to_another(self, me: str, *, now: datetime) -> bool:
        """Whether somebody else seals at `now`; asks without writing."""
        found = self._connection.execute(_HOLDER).one_or_none()
        if found is None or found.holder in (None, me):
            return False
        return found.lease_until is not None and found.lease_until > now

    def take_lease(self, holder: str, *, lease: timedelta, now: datetime) -> bool:
        """Be the one who seals, unless somebody else is."""
        values = {"me": holder, "until": now + lease, "now": now}
        return self._connection.execute(_LEASE, values).rowcount == 1

    def stand_still(self) -> None:
        """Wait for whoever writes audit rows, and let nobody begin until the transaction ends."""
        if self._dialect == "postgresql":
            self._connection.execute(_LOCK)

    def list_never_sealed(self) -> Iterator[tuple[tuple[int, ...], tuple[bytes, ...]]]:
        """The ids and leaves of rows in no block, by id, as many at a time as a block takes."""
        sealed: set[int] = set()
        for (packed,) in self._connection.execute(_ALL_IDS):
            sealed.update(unpack_ids(packed))
        rows = (row for row in self._connection.execute(_ALL_ROWS) if row.id not in sealed)
        while batch := list(islice(rows, MOST_ROWS)):
            yield tuple(row.id for row in batch), tuple(row.leaf for row in batch)

    def begin_era(self) -> None:
        """Go on counting by this server; every row there is must have been sealed."""
        sealer = self._connection.execute(_SEALER).one()
        self._connection.execute(
            _NEW_ERA,
            {
                "new_era": sealer.era + 1,
                "new_server": self.get_server(),
                "floor": self._connection.execute(_HIGHEST).scalar_one(),
            },
        )


def _values(signed: SignedBlock) -> dict[str, object]:
    block, cursor = signed.block, signed.cursor
    return {
        "number": block.number,
        "first_position": block.first_position,
        "row_count": len(block.ids),
        "ids": pack_ids(block.ids),
        "leaves": pack_leaves(block.leaves),
        "root": block.root,
        "previous_hash": block.previous_hash,
        "block_hash": block.block_hash,
        "signature": signed.signature,
        "key_id": signed.key_id,
        "sealed_at": block.sealed_at,
        "era": cursor.era,
        "last_transaction": cursor.last_transaction,
        "last_id": cursor.last_id,
    }


def _place(cursor: Cursor) -> dict[str, object]:
    return {
        "last_transaction": str(cursor.last_transaction),
        "last_id": cursor.last_id,
        "floor_id": cursor.floor_id,
    }
