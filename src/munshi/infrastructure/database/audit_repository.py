"""SQL for AuditLogs: appended in the transaction of the change, read by entity, user and time."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, insert, select

from munshi.domain.audit import (
    FORMAT_VERSION,
    Actor,
    AuditEntry,
    canonical_bytes,
    commitment,
    leaf_hash,
)
from munshi.infrastructure.database.models import audit_logs, audit_personal_data

_INSERT = insert(audit_logs).returning(audit_logs.c.id)
_INSERT_PERSONAL = insert(audit_personal_data)
_PERSONAL = select(audit_personal_data.c.field, audit_personal_data.c.value).where(
    audit_personal_data.c.audit_id == bindparam("audit_id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows to list; None means any. `before` is the cursor: an audit id."""

    entity_type: str | None = None
    entity_id: str | None = None
    user_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class AuditRepository:
    """Appends; there is no update and no delete."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def log(
        self,
        entity_type: str,
        action: str,
        *,
        entity_id: str | None = None,
        old_value: object = None,
        new_value: object = None,
        details: Mapping[str, Any] | None = None,
        personal: Mapping[str, str] | None = None,
        actor: Actor,
        now: datetime,
    ) -> int:
        """Write one row and return its position. Values must hold no secret and no float."""
        everyone = dict(personal or {})
        if actor.ip_address:
            everyone["ip_address"] = actor.ip_address
        salts = {name: secrets.token_bytes(32) for name in everyone}
        row = {
            "entity_type": entity_type,
            "entity_id": entity_id,
            "action": action,
            "old_value": _plain(old_value),
            "new_value": _plain(new_value),
            "timestamp": now,
            "user_id": actor.user_id,
            "request_id": actor.request_id,
            "details": _plain(dict(details)) if details else None,
        }
        canonical = canonical_bytes(
            {
                **row,
                "version": FORMAT_VERSION,
                # Two equal changes in one microsecond are still two leaves.
                "nonce": secrets.token_hex(16),
                "personal": {
                    name: commitment(name, value, salt=salts[name])
                    for name, value in everyone.items()
                },
            }
        )
        audit_id: int = self._connection.execute(
            _INSERT,
            {
                **row,
                "format_version": FORMAT_VERSION,
                "canonical": canonical,
                "leaf": leaf_hash(canonical),
            },
        ).scalar_one()
        if everyone:
            self._connection.execute(
                _INSERT_PERSONAL,
                [
                    {"audit_id": audit_id, "field": name, "salt": salts[name], "value": value}
                    for name, value in everyone.items()
                ],
            )
        return audit_id

    def log_auth_action(
        self,
        service_type: str,
        action: str,
        *,
        session_id: UUID | None = None,
        user_name: str | None = None,
        details: Mapping[str, Any] | None = None,
        actor: Actor,
        now: datetime,
    ) -> int:
        return self.log(
            "auth",
            action,
            entity_id=service_type,
            new_value={"session_id": str(session_id)} if session_id else None,
            details=details,
            personal={"user_name": user_name} if user_name else None,
            actor=actor,
            now=now,
        )

    def log_config_change(
        self,
        config_type: str,
        config_key: str,
        *,
        old_value: object,
        new_value: object,
        revision: int,
        actor: Actor,
        now: datetime,
    ) -> int:
        return self.log(
            "config",
            "set",
            entity_id=f"{config_type}/{config_key}",
            old_value=old_value,
            new_value=new_value,
            details={"revision": revision},
            actor=actor,
            now=now,
        )

    def log_job_action(
        self,
        job_id: UUID,
        action: str,
        *,
        details: Mapping[str, Any] | None = None,
        actor: Actor,
        now: datetime,
    ) -> int:
        return self.log("job", action, entity_id=str(job_id), details=details, actor=actor, now=now)

    def get_logs_by_entity(
        self, entity_type: str, entity_id: str, *, limit: int = 100
    ) -> list[AuditEntry]:
        """Newest first."""
        chosen = AuditFilter(entity_type=entity_type, entity_id=entity_id)
        return self.list_logs(chosen, limit=limit)

    def list_logs(self, chosen: AuditFilter, *, limit: int) -> list[AuditEntry]:
        """Newest first, at most `limit`."""
        given = {
            name: value
            for name in AuditFilter.__dataclass_fields__
            if (value := getattr(chosen, name)) is not None
        }
        statement = _listing(frozenset(given))
        return [
            _entry(row) for row in self._connection.execute(statement, {**given, "most": limit})
        ]

    def get_personal_data(self, audit_id: int) -> dict[str, str]:
        rows = self._connection.execute(_PERSONAL, {"audit_id": audit_id})
        return {row.field: row.value for row in rows}


@lru_cache
def _listing(given: frozenset[str]) -> Select[Any]:
    conditions = {
        "since": audit_logs.c.timestamp >= bindparam("since"),
        "until": audit_logs.c.timestamp < bindparam("until"),
        "before": audit_logs.c.id < bindparam("before"),
    }
    chosen = [
        conditions[name] if name in conditions else audit_logs.c[name] == bindparam(name)
        for name in sorted(given)
    ]
    return (
        select(audit_logs).where(*chosen).order_by(audit_logs.c.id.desc()).limit(bindparam("most"))
    )


def _plain(value: object) -> Any:  # noqa: ANN401
    """As JSON will give it back, so that the stored document and the hashed bytes agree."""
    return None if value is None else json.loads(json.dumps(value, default=str))


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        audit_id=row.id,
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        action=row.action,
        old_value=row.old_value,
        new_value=row.new_value,
        timestamp=row.timestamp,
        user_id=row.user_id,
        request_id=row.request_id,
        details=row.details,
        leaf=row.leaf,
    )
