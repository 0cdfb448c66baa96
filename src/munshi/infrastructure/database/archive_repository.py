"""SQL for AuditArchives, and for whose turn it is to work on them."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from munshi.domain.ledger.archives import Archive, ArchiveState
from munshi.domain.ledger.blocks import unpack_ids
from munshi.infrastructure.database.models import audit_archives, audit_blocks, audit_sealer
from munshi.infrastructure.database.types import Instant, Name

_archives, _blocks, _sealer = audit_archives.c, audit_blocks.c, audit_sealer.c
_ALL = select(audit_archives).order_by(_archives.first_block)
_ONE = select(audit_archives).where(_archives.name == bindparam("wanted"))
_INSERT = insert(audit_archives)
_DELETE = delete(audit_archives).where(_archives.name == bindparam("wanted"))
_MOVE = (
    update(audit_archives)
    .where(_archives.name == bindparam("wanted"), _archives.state == bindparam("before"))
    .values(state=bindparam("after"), updated_at=bindparam("at", type_=Instant))
)
_WRITTEN = _MOVE.values(sha256=bindparam("digest"))
_DROP = _MOVE.values(
    dropped_at=bindparam("at", type_=Instant),
    key_id=bindparam("signer"),
    signature=bindparam("signed"),
)
_mine = bindparam("me", type_=Name(100))
_until, _now = bindparam("until", type_=Instant), bindparam("now", type_=Instant)
_TAKE = (
    update(audit_sealer)
    .where(
        or_(
            _sealer.archivist.is_(None),
            _sealer.archivist == _mine,
            _sealer.archivist_until <= _now,
        )
    )
    .values(archivist=_mine, archivist_until=_until)
)
_RENEW = update(audit_sealer).where(_sealer.archivist == _mine).values(archivist_until=_until)
_RELEASE = (
    update(audit_sealer)
    .where(_sealer.archivist == _mine)
    .values(archivist=None, archivist_until=None)
)
_HOLDER = select(_sealer.archivist, _sealer.archivist_until)
_BLOCKS_AT_A_TIME = 64
_IDS = (
    select(_blocks.number, _blocks.ids)
    .where(_blocks.number > bindparam("behind"))
    .order_by(_blocks.number)
    .limit(_BLOCKS_AT_A_TIME)
)
_SEALED_AT = select(_blocks.sealed_at).where(_blocks.number == bindparam("number"))


class ArchiveRepository:
    """The archives there are, in the order of their blocks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- whose turn it is ------------------------------------------------------------------

    def take_turn(self, holder: str, *, lease: timedelta, now: datetime) -> bool:
        """Be the one who works on the archives, unless somebody else is."""
        values = {"me": holder, "until": now + lease, "now": now}
        return self._connection.execute(_TAKE, values).rowcount == 1

    def renew_turn(self, holder: str, *, lease: timedelta, now: datetime) -> bool:
        """False if somebody else took over; until the transaction ends nobody can."""
        values = {"me": holder, "until": now + lease}
        return self._connection.execute(_RENEW, values).rowcount == 1

    def end_turn(self, holder: str) -> None:
        self._connection.execute(_RELEASE, {"me": holder})

    def get_turn(self) -> tuple[str, datetime] | None:
        """Who is at work, and until when that holds; None before the first row was sealed too."""
        row = self._connection.execute(_HOLDER).one_or_none()
        return None if row is None or row.archivist is None else (row[0], row[1])

    # --- archives --------------------------------------------------------------------------

    def list_archives(self) -> list[Archive]:
        return [Archive(**row) for row in self._connection.execute(_ALL).mappings()]

    def get_archive(self, name: str) -> Archive | None:
        row = self._connection.execute(_ONE, {"wanted": name}).mappings().one_or_none()
        return None if row is None else Archive(**row)

    def save_new(self, archive: Archive) -> None:
        self._connection.execute(
            _INSERT,
            {
                "name": archive.name,
                "first_block": archive.first_block,
                "last_block": archive.last_block,
                "first_id": archive.first_id,
                "last_id": archive.last_id,
                "rows": archive.rows,
                "sha256": archive.sha256,
                "state": archive.state,
                "created_at": archive.created_at,
                "updated_at": archive.updated_at,
            },
        )

    def save_written(self, name: str, *, sha256: str, now: datetime) -> bool:
        """The file is on disk; from now on its rows may leave the table."""
        values = _step(name, ArchiveState.WRITING, ArchiveState.MOVING, now)
        return self._connection.execute(_WRITTEN, {**values, "digest": sha256}).rowcount == 1

    def save_state(
        self, name: str, before: ArchiveState, after: ArchiveState, *, now: datetime
    ) -> bool:
        """False if the archive was not in the state `before`."""
        return self._connection.execute(_MOVE, _step(name, before, after, now)).rowcount == 1

    def save_dropped(self, name: str, *, key_id: str, signature: bytes, now: datetime) -> bool:
        values = _step(name, ArchiveState.ARCHIVED, ArchiveState.DROPPED, now)
        signed = {"signer": key_id, "signed": signature}
        return self._connection.execute(_DROP, {**values, **signed}).rowcount == 1

    def delete_archive(self, name: str) -> None:
        """Forget an archive whose rows are all in the table."""
        self._connection.execute(_DELETE, {"wanted": name})

    # --- blocks ----------------------------------------------------------------------------

    def list_block_ids(
        self, *, after: int, last: int | None = None, most_rows: int | None = None
    ) -> list[tuple[int, tuple[int, ...]]]:
        """Some blocks behind `after`, up to `last`: their numbers and the ids of their rows.

        With `most_rows` no more than the first one and what fits beside it.
        """
        blocks: list[tuple[int, tuple[int, ...]]] = []
        rows = 0
        for number, packed in self._connection.execute(_IDS, {"behind": after}).fetchall():
            ids = unpack_ids(packed)
            rows += len(ids)
            is_full = bool(blocks) and most_rows is not None and rows > most_rows
            if is_full or (last is not None and number > last):
                break
            blocks.append((number, ids))
        return blocks

    def get_sealed_at(self, block: int) -> datetime | None:
        found: datetime | None = self._connection.execute(
            _SEALED_AT, {"number": block}
        ).scalar_one_or_none()
        return found


def _step(name: str, before: ArchiveState, after: ArchiveState, now: datetime) -> dict[str, object]:
    return {"wanted": name, "before": before, "after": after, "at": now}
