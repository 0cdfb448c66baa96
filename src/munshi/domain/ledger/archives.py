"""Archives: sealed blocks whose rows stand in a file instead of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from munshi.domain.ledger.blocks import spell_instant
from munshi.domain.ledger.rows import StoredRow

# Whatever the configuration says, no archive is dropped before.
LEAST_KEPT = timedelta(days=365)
_NOTHING = MappingProxyType[str, str]({})
_DROPPED = "munshi.audit/archive-dropped"


class ArchiveState(StrEnum):
    """How far an archive is; work that was begun in one of the moving states is ended first.

    writing: the file is being made, all rows are in the table. moving: the file is on disk, rows
    are leaving the table. restoring: rows are coming back. restored: they are back, the file may
    go. dropped: the file is gone by retention, for ever.
    """

    WRITING = "writing"
    MOVING = "moving"
    ARCHIVED = "archived"
    RESTORING = "restoring"
    RESTORED = "restored"
    DROPPED = "dropped"


# Of these the file must be there and be what was written.
ON_FILE = frozenset({ArchiveState.MOVING, ArchiveState.ARCHIVED, ArchiveState.RESTORING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One row of AuditArchives. Nothing of it is believed when the trail is verified.

    `sha256` is empty until the file is on disk. The last three are there once it was dropped.
    """

    name: str
    first_block: int
    last_block: int
    first_id: int
    last_id: int
    rows: int
    sha256: str
    state: str
    created_at: datetime
    updated_at: datetime
    dropped_at: datetime | None = None
    key_id: str | None = None
    signature: bytes | None = None


class ArchivedRow(NamedTuple):
    """A row as it stood in the table.

    The readable columns are made from `row.canonical` again; `spelled` has the text of those
    documents whose keys stood in another order there.
    """

    audit_id: int
    transaction_id: str | None
    row: StoredRow
    spelled: Mapping[str, str] = _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedBlock:
    """The rows of one block, in the order in which they were sealed."""

    number: int
    rows: tuple[ArchivedRow, ...]


def archive_name(first_block: int, last_block: int) -> str:
    return f"audit-{first_block:09d}-{last_block:09d}.jsonl.gz"


def drop_body(ledger_id: str, archive: Archive, dropped_at: datetime) -> bytes:
    """The bytes that are signed when retention drops an archive."""
    lines = (
        _DROPPED,
        ledger_id,
        archive.name,
        f"blocks {archive.first_block} {archive.last_block}",
        f"rows {archive.rows}",
        f"sha256 {archive.sha256}",
        f"dropped {spell_instant(dropped_at)}",
    )
    return "".join(f"{line}\n" for line in lines).encode()
