"""A row of an old audit trail as a new row says it: what stood there, vouched for from now on."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from munshi.adoption.old_columns import ColumnMap
from munshi.adoption.old_times import OldTimes
from munshi.adoption.old_values import line, parsed, plain, shortened
from munshi.adoption.redaction import Redactor, is_secret_name
from munshi.infrastructure.database.legacy_tables import LegacyRow

ENTITY = "legacy"
IMPORTED = "legacy.imported"
VOUCHED = "what the old install had written; Munshi vouches for it only from its import on"
_LONGEST_NAME, _LONGEST_PERSONAL = 200, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyAudit:
    """What `AuditRepository.log` is given; `personal` can be erased later."""

    entity_id: str
    body: dict[str, Any]
    personal: dict[str, str] = field(repr=False)


def legacy_audit(
    row: LegacyRow,
    columns: ColumnMap,
    *,
    source: str,
    redactor: Redactor,
    times: OldTimes,
) -> LegacyAudit:
    """Values that stood under the name of a secret, or were one, are fingerprints."""
    at = times.read(columns.get(row, "time"))
    body: dict[str, Any] = {"at": _instant(at)}
    if at is None and columns.get(row, "time") is not None:
        body["at_as_written"] = line(columns.get(row, "time"), longest=_LONGEST_NAME)
    for name in ("user", "action", "entity_type", "entity_id"):
        body[name] = redactor.text(line(columns.get(row, name), longest=_LONGEST_NAME)) or None
    # A setting's name stands beside its value, not around it.
    told = " ".join(line(columns.get(row, name), longest=_LONGEST_NAME) for name in _NAMING)
    is_secret = any(is_secret_name(word) for word in told.replace("/", " ").split())
    for name in ("old_value", "new_value", "details"):
        value = parsed(columns.get(row, name))
        kept = redactor.secret(value) if is_secret and name != "details" else redactor.value(value)
        if kept is not None:
            body[name] = shortened(kept)
    if other := _other(row, columns, redactor):
        body["other"] = other
    ip = line(columns.get(row, "ip"), longest=_LONGEST_PERSONAL)
    return LegacyAudit(
        entity_id=f"{source}/{columns.label(row)}"[:_LONGEST_NAME],
        body=body,
        personal={"legacy_ip_address": ip} if ip else {},
    )


_NAMING = ("entity_type", "entity_id", "action", "details")


def _other(row: LegacyRow, columns: ColumnMap, redactor: Redactor) -> dict[str, Any]:
    """Columns that have no place of their own: nothing is lost."""
    found = {
        name: plain(parsed(row.values.get(name.lower())))
        for name in columns.left
        if row.values.get(name.lower()) is not None
    }
    kept = redactor.value(found)
    return {name: shortened(value) for name, value in kept.items()}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="microseconds").replace("+00:00", "Z")
