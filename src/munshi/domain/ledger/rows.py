"""Rows and blocks of the ledger as they lie there, believed in nothing."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from munshi.domain.ledger.blocks import spell_instant

# In the order of the hashed bytes.
READABLE = (
    *("action", "details", "entity_id", "entity_type", "job_id", "new_value", "old_value"),
    *("request_id", "timestamp", "user_id"),
)
DOCUMENTS = ("details", "new_value", "old_value")
NONCE_LETTERS = 32
_quote: Callable[[str], str] = json.encoder.encode_basestring


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


class StoredRow(NamedTuple):
    """A row of AuditLogs: what was hashed, and what people read (None in an archive)."""

    leaf: bytes
    canonical: bytes
    readable: tuple[Any, ...] | None


def says_what_was_hashed(row: StoredRow) -> bool:
    """Whether what people read of a row is what its hash covers."""
    if row.readable is None:
        return True
    try:
        return _is_spelled_alike(row, row.readable) or _means_the_same(row, row.readable)
    except (ValueError, TypeError, AttributeError):
        return False


def other_spellings(row: StoredRow) -> dict[str, str]:
    """The documents of `row` that stand in the table as another text than in the hashed bytes.

    There the keys are in the order in which the change was made. PostgreSQL keeps no text.
    """
    readable = row.readable
    if readable is None or _is_spelled_alike(row, readable):
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


def _is_spelled_alike(row: StoredRow, readable: tuple[Any, ...]) -> bool:
    """Write the hashed bytes anew around the nonce and the commitments, which no column has.

    The quick way, for text as SQLite keeps it.
    """
    action, details, entity_id, entity_type, job_id, new, old, request_id, at, user = readable
    if not isinstance(at, str):
        return False
    job = f',"job_id":{_text(job_id)}' if b'"version":2}' in row.canonical[-12:] else ""
    start = (
        f'{{"action":{_quote(action)},"details":{details or "null"},"entity_id":{_text(entity_id)}'
        f',"entity_type":{_quote(entity_type)}{job},"new_value":{new or "null"},"nonce":"'
    ).encode()
    middle = f'","old_value":{old or "null"},"personal":{{'.encode()
    end = (
        f'}},"request_id":{_text(request_id)},"timestamp":"{at}","user_id":{_quote(user)},"version":'
    ).encode()
    nonce_ends = len(start) + NONCE_LETTERS
    return (
        row.canonical.startswith(start)
        and row.canonical.startswith(middle, nonce_ends)
        and row.canonical.endswith(end, nonce_ends + len(middle) - 1, -2)
        and (job_id is None or bool(job))
    )


def _means_the_same(row: StoredRow, values: tuple[Any, ...]) -> bool:
    said: Mapping[str, Any] = json.loads(row.canonical)
    readable = dict(zip(READABLE, values, strict=True))
    at = readable["timestamp"]
    readable["timestamp"] = spell_instant(at) if isinstance(at, datetime) else at
    for name in DOCUMENTS:
        value = readable[name]
        if isinstance(value, str) and isinstance(at, str):
            readable[name] = json.loads(value)
    return all(said.get(name) == value for name, value in readable.items())


def _text(value: str | None) -> str:
    return "null" if value is None else _quote(value)
