"""The audit row: who did what to which thing, and the bytes that prove it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

# 2 has the job's id in the hashed bytes; rows of version 1 never had one.
FORMAT_VERSION = 2
LEAF_PREFIX = b"\x00"
_BEGUN_LEAF = hashlib.sha256(LEAF_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asked: a person, a job or Munshi itself."""

    user_id: str
    request_id: str | None = None
    job_id: str | None = None
    ip_address: str | None = field(default=None, repr=False)


def job_actor(job_id: UUID) -> Actor:
    """A job that changes something, as the trail names it."""
    return Actor(user_id=f"job:{job_id}", job_id=str(job_id))


MUNSHI = Actor(user_id="munshi")
COMMAND_LINE = Actor(user_id="command-line")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of AuditLogs as people read it."""

    audit_id: int
    entity_type: str
    entity_id: str | None
    action: str
    old_value: Any
    new_value: Any
    timestamp: datetime
    user_id: str
    request_id: str | None
    job_id: str | None
    details: Mapping[str, Any] | None
    leaf: bytes


def commitment(field_name: str, value: str, *, salt: bytes) -> str:
    """What the row keeps of a personal value: erasing value and salt leaves it meaningless."""
    parts = (salt, field_name.encode(), value.encode())
    joined = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(joined).hexdigest()


def canonical_bytes(document: Mapping[str, Any]) -> bytes:
    """The one spelling of a row: sorted keys, no spaces, UTF-8, instants in UTC.

    Raises TypeError for a float: its text differs between systems, so it must come as text.
    """
    _refuse_floats(document)
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_spell
    ).encode()


def leaf_hash(canonical: bytes) -> bytes:
    """RFC 6962: leaves are hashed behind a zero byte."""
    return hashlib.sha256(LEAF_PREFIX + canonical).digest()


def leaf_hashes(canonicals: Iterable[bytes]) -> tuple[bytes, ...]:
    """`leaf_hash` of each, a little quicker: a hash begun is cheaper to copy than to begin."""
    hashes = []
    for canonical in canonicals:
        hashed = _BEGUN_LEAF.copy()
        hashed.update(canonical)
        hashes.append(hashed.digest())
    return tuple(hashes)


def _spell(value: object) -> str:
    if isinstance(value, datetime):
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, Mapping):
        raise TypeError("nested mappings must be plain dicts")
    return str(value)


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no canonical bytes; give it as text")
    if isinstance(value, Mapping):
        for inner in value.values():
            _refuse_floats(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_floats(inner)
