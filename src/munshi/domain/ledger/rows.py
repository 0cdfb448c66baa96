"""Rows and blocks of the ledger as they lie there, believed in nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from munshi.domain.audit import FORMAT_VERSION, leaf_hashes
from munshi.domain.ledger.blocks import unpack_ids, unpack_leaves

# In the order of the hashed bytes.
READABLE = (
    *("action", "details", "entity_id", "entity_type", "job_id", "new_value", "old_value"),
    *("request_id", "timestamp", "user_id"),
)
DOCUMENTS = ("details", "new_value", "old_value")
NONCE_LETTERS = 32
# Shorter documents repeat themselves from row to row; the memory for them is bounded.
_SHORT = 500
_SHORT_KEPT = 2048
_quote: Callable[[str], str] = json.encoder.encode_basestring
_spell = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

# A row of AuditLogs as a driver gives it: id, leaf, canonical, and READABLE, all of it text.
TableRow = tuple[Any, ...]


class StoredBlock(NamedTuple):
    """A row of AuditBlocks, whatever stands in it."""

    number: int
    first_position: int
    row_count: int
    ids: bytes
    leaves: bytes
    root: bytes
    previous_hash: bytes
    block_hash: bytes
    signature: bytes
    key_id: str
    sealed_at: datetime
    era: int
    last_transaction: int
    last_id: int

    def contents(self) -> tuple[tuple[int, ...], tuple[bytes, ...]] | None:
        """Ids and leaves; None where it does not hold what a block holds."""
        try:
            ids, leaves = unpack_ids(self.ids), unpack_leaves(self.leaves)
        except ValueError:
            return None
        return (ids, leaves) if len(ids) == len(leaves) == self.row_count > 0 else None


class StoredRow(NamedTuple):
    """A row of AuditLogs: what was hashed, and what people read (None in an archive)."""

    leaf: bytes
    canonical: bytes
    readable: tuple[Any, ...] | None


def are_as_sealed(
    rows: Sequence[TableRow], ids: tuple[int, ...], leaves: tuple[bytes, ...]
) -> bool:
    """Whether they are the rows `ids`, and each has its leaf, hashes to it and says what it hashed.

    The quick way for a whole block, column by column. It does not tell what is wrong with which.
    """
    if len(rows) != len(ids):
        return False
    found, kept, canonicals, *readable = zip(*rows, strict=True)
    try:
        return (
            found == ids
            and kept == leaves
            and leaf_hashes(canonicals) == leaves
            and all(map(_says_the_same, canonicals, *readable))
        )
    except (ValueError, TypeError, AttributeError):
        return False


def says_what_was_hashed(row: StoredRow) -> bool:
    """Whether what people read of a row is what its hash covers."""
    if row.readable is None:
        return True
    try:
        return _says_the_same(row.canonical, *row.readable)
    except (ValueError, TypeError, AttributeError):
        return False


def other_spellings(row: StoredRow) -> dict[str, str]:
    """The documents of `row` that stand in the table as another text than in the hashed bytes.

    There the keys are in the order in which the change was made. PostgreSQL keeps no text.
    """
    readable = row.readable
    if readable is None or _is_spelled_alike(row.canonical, *readable):
        return {}
    values = dict(zip(READABLE, readable, strict=True))
    if not isinstance(values["timestamp"], str):
        return {}
    said: Mapping[str, Any] = json.loads(row.canonical)
    return {
        name: values[name]
        for name in DOCUMENTS
        if isinstance(values[name], str) and values[name] != spell_document(said[name])
    }


def spell_document(value: object) -> str | None:
    """A document's text as it stands in the hashed bytes; None for none."""
    if value is None:
        return None
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _says_the_same(canonical: bytes, *readable: Any) -> bool:  # noqa: ANN401 - whatever stands there
    return _is_spelled_alike(canonical, *readable) or _means_the_same(canonical, readable)


def _is_spelled_alike(  # noqa: PLR0917 - a column each, in the order of READABLE
    canonical: bytes,
    action: str,
    details: str | None,
    entity_id: str | None,
    entity_type: str,
    job_id: str | None,
    new: str | None,
    old: str | None,
    request_id: str | None,
    at: str,
    user_id: str,
) -> bool:
    """Write the hashed bytes anew around the nonce and the commitments, which no column has.

    All in one place: this is done for every row there is.
    """
    if details is None:
        details = "null"
    elif '": ' in details:
        details = _respelled(details)
    if new is None:
        new = "null"
    elif '": ' in new:
        new = _respelled(new)
    if old is None:
        old = "null"
    elif '": ' in old:
        old = _respelled(old)
    start = (
        f'{{"action":{_quote(action)},"details":{details}'
        f',"entity_id":{"null" if entity_id is None else _quote(entity_id)}'
        f',"entity_type":{_quote(entity_type)}'
        f',"job_id":{"null" if job_id is None else _quote(job_id)},"new_value":{new},"nonce":"'
    )
    said = canonical.decode()
    return (
        said.startswith(start)
        and said.startswith(f'","old_value":{old},"personal":{{', len(start) + NONCE_LETTERS)
        and said.endswith(
            f'}},"request_id":{"null" if request_id is None else _quote(request_id)}'
            f',"timestamp":{_quote(at)},"user_id":{_quote(user_id)},"version":{FORMAT_VERSION}}}'
        )
    )


def _means_the_same(canonical: bytes, readable: tuple[Any, ...]) -> bool:
    """The same by what it means: other orders and spaces, and rows of version 1."""
    said = json.loads(canonical)
    for name, value in zip(READABLE, readable, strict=True):
        told = json.loads(value) if name in DOCUMENTS and value is not None else value
        # Not by ==, to which 1, 1.0 and True are the same.
        if _spell(said.get(name)) != _spell(told):
            return False
    return True


def _respelled(text: str) -> str:
    """A document's text as the hashed bytes have it."""
    return _respelled_before(text) if len(text) <= _SHORT else _respell(text)


def _respell(text: str) -> str:
    """Sorted keys and no spaces; PostgreSQL has its own order and a space behind each sign."""
    if text.count('": ') == 1 and "\\" not in text:
        # Nothing to sort, and every other part between the quotes stands in no string.
        parts = text.split('"')
        parts[::2] = [each.replace(": ", ":").replace(", ", ",") for each in parts[::2]]
        return '"'.join(parts)
    return _spell(json.loads(text))


_respelled_before = lru_cache(_SHORT_KEPT)(_respell)
