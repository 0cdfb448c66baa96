"""Blocks of the audit ledger: some rows in their order, tied to the block before."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from munshi.domain.ledger.merkle import merkle_root

BLOCK_VERSION = 1
MOST_ROWS = 256
HASH_BYTES = 32
NOTHING_BEFORE = bytes(HASH_BYTES)
_BLOCK_PREFIX = b"\x02"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the ledger ends; `number` is 0 and `size` is 0 before the first block."""

    ledger_id: str
    number: int
    size: int
    block_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Rows `ids` with their `leaves`, in the order in which they were sealed.

    Their positions in the ledger are counted from 0; `first_position` is the first row's.
    `block_hash` covers everything but the signature.
    """

    ledger_id: str
    number: int
    first_position: int
    ids: tuple[int, ...]
    leaves: tuple[bytes, ...] = field(repr=False)
    root: bytes
    previous_hash: bytes
    block_hash: bytes
    sealed_at: datetime

    @property
    def end_position(self) -> int:
        """How many rows the ledger has with this block."""
        return self.first_position + len(self.ids)

    @property
    def head(self) -> Head:
        return Head(
            ledger_id=self.ledger_id,
            number=self.number,
            size=self.end_position,
            block_hash=self.block_hash,
        )


def next_block(
    head: Head, ids: Sequence[int], leaves: Sequence[bytes], *, sealed_at: datetime
) -> Block:
    """The block that follows `head`. Raises ValueError for none or too many rows."""
    if not 1 <= len(ids) == len(leaves) <= MOST_ROWS:
        raise ValueError(f"a block takes 1 to {MOST_ROWS} rows, each with its leaf")
    root = merkle_root(leaves)
    number = head.number + 1
    return Block(
        ledger_id=head.ledger_id,
        number=number,
        first_position=head.size,
        ids=tuple(ids),
        leaves=tuple(leaves),
        root=root,
        previous_hash=head.block_hash,
        block_hash=hash_of_block(
            head.ledger_id,
            number=number,
            first_position=head.size,
            ids=pack_ids(ids),
            root=root,
            previous_hash=head.block_hash,
            sealed_at=sealed_at,
        ),
        sealed_at=sealed_at,
    )


def hash_of_block(
    ledger_id: str,
    *,
    number: int,
    first_position: int,
    ids: bytes,
    root: bytes,
    previous_hash: bytes,
    sealed_at: datetime,
) -> bytes:
    """SHA-256 behind a two byte over the parts, each behind its length; `ids` are packed."""
    parts = (
        str(BLOCK_VERSION).encode(),
        ledger_id.encode(),
        str(number).encode(),
        str(first_position).encode(),
        ids,
        root,
        previous_hash,
        spell_instant(sealed_at).encode(),
    )
    whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return sha256(_BLOCK_PREFIX + whole).digest()


def spell_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def pack_ids(ids: Sequence[int]) -> bytes:
    """Eight bytes each, big-endian."""
    return struct.pack(f">{len(ids)}q", *ids)


def unpack_ids(packed: bytes) -> tuple[int, ...]:
    """Raises ValueError for bytes that are no ids."""
    if len(packed) % 8:
        raise ValueError("ids are eight bytes each")
    return struct.unpack(f">{len(packed) // 8}q", packed)


def pack_leaves(leaves: Iterable[bytes]) -> bytes:
    return b"".join(leaves)


def unpack_leaves(packed: bytes) -> tuple[bytes, ...]:
    """Raises ValueError for bytes that are no leaves."""
    if len(packed) % HASH_BYTES:
        raise ValueError(f"leaves are {HASH_BYTES} bytes each")
    return tuple(packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES))
