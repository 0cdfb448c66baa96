"""SQL for AuditLogs: appended in the transaction of the change, and read."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select

from munshi.domain.audit import (
    FORMAT_VERSION,
    Actor,
    AuditEntry,
    canonical_bytes,
    commitment,
    leaf_hash,
)
from munshi.infrastructure.database import audit_queries
from munshi.infrastructure.database.audit_inserts import INSERTS, Personal
from munshi.infrastructure.database.audit_queries import AuditFilter, AuditPlace
from munshi.infrastructure.database.models import audit_logs, audit_personal_data

_INSERT = insert(audit_logs).returning(audit_logs.c.id)
_INSERT_PERSONAL = insert(audit_personal_data)
_PERSONAL = select(audit_personal_data.c.field, audit_personal_data.c.value).where(
    audit_personal_data.c.audit_id == bindparam("audit_id")
)


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
            "job_id": actor.job_id,
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
        return self._insert(
            {
                **row,
                "format_version": FORMAT_VERSION,
                "canonical": canonical,
                "leaf": leaf_hash(canonical),
            },
            [(name, salts[name], value) for name, value in everyone.items()],
        )

    def _insert(self, row: Mapping[str, Any], personal: Personal) -> int:
        insert_quickly = INSERTS.get(self._connection.dialect.name)
        if insert_quickly is not None:
            return insert_quickly(self._connection, row, personal)
        audit_id: int = self._connection.execute(_INSERT, row).scalar_one()
        if personal:
            self._connection.execute(
                _INSERT_PERSONAL,
                [
                    {"audit_id": audit_id, "field": name, "salt": salt, "value": value}
                    for name, salt, value in personal
                ],
            )
        return audit_id

    def log_auth_action(
        self,
        service_type: str,
        action: str,
        *,
        session_id: UUID | None = None,
        old_session_id: UUID | None = None,
        user_name: str | None = None,
        details: Mapping[str, Any] | None = None,
        actor: Actor,
        now: datetime,
    ) -> int:
        return self.log(
            "auth",
            action,
            entity_id=service_type,
            old_value={"session_id": str(old_session_id)} if old_session_id else None,
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
        old_value: object = None,
        new_value: object = None,
        details: Mapping[str, Any] | None = None,
        actor: Actor,
        now: datetime,
    ) -> int:
        return self.log(
            "job",
            action,
            entity_id=str(job_id),
            old_value=old_value,
            new_value=new_value,
            details=details,
            actor=actor,
            now=now,
        )

    def get_logs_by_entity(
        self, entity_type: str, entity_id: str, *, limit: int = 100
    ) -> list[AuditEntry]:
        """Newest first."""
        chosen = AuditFilter(entity_type=entity_type, entity_id=entity_id)
        return self.list_logs(chosen, limit=limit)

    def list_logs(
        self, chosen: AuditFilter, *, limit: int, oldest_first: bool = False
    ) -> list[AuditEntry]:
        """Newest first, or oldest first, at most `limit`."""
        return audit_queries.list_logs(
            self._connection, chosen, limit=limit, oldest_first=oldest_first
        )

    def get_log(self, audit_id: int) -> AuditEntry | None:
        return audit_queries.get_log(self._connection, audit_id)

    def count_logs(self, chosen: AuditFilter) -> int:
        return audit_queries.count_logs(self._connection, chosen)

    def get_place(self) -> AuditPlace:
        """The place behind all that this transaction sees; `Database.reading` sees one state."""
        return audit_queries.current_place(self._connection)

    def list_since(
        self, place: AuditPlace, chosen: AuditFilter, *, limit: int
    ) -> tuple[list[AuditEntry], AuditPlace]:
        """What has committed since `place`, in order, none left out and none twice."""
        return audit_queries.list_since(self._connection, place, chosen, limit=limit)

    def get_personal_data(self, audit_id: int) -> dict[str, str]:
        rows = self._connection.execute(_PERSONAL, {"audit_id": audit_id})
        return {row.field: row.value for row in rows}


def _plain(value: object) -> Any:  # noqa: ANN401
    """As JSON will give it back, so that the stored document and the hashed bytes agree."""
    if value is None or isinstance(value, str | int):
        return value
    return json.loads(json.dumps(value, default=str))
