"""SQL for ApiKeys. Only a key's hash is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from munshi.domain.people import ApiKey, User
from munshi.domain.roles import Role
from munshi.infrastructure.database.models import api_keys, users

_rows = api_keys.c
_SHOWN = select(api_keys, users.c.username, users.c.role.label("owner_role")).join_from(
    api_keys, users, users.c.user_id == _rows.user_id
)
_BY_HASH = _SHOWN.where(
    _rows.key_hash == bindparam("hash"),
    _rows.revoked_at.is_(None),
    or_(_rows.expires_at.is_(None), _rows.expires_at > bindparam("now")),
    users.c.is_active,
)
_BY_ID = _SHOWN.where(_rows.key_id == bindparam("row"))
_LIST = _SHOWN.order_by(users.c.username, _rows.created_at.desc())
_LIST_OF_USER = _LIST.where(_rows.user_id == bindparam("user"))
_INSERT = insert(api_keys)
_TOUCH = (
    update(api_keys)
    .where(
        _rows.key_id == bindparam("row"),
        or_(_rows.last_used_at.is_(None), _rows.last_used_at < bindparam("now")),
    )
    .values(last_used_at=bindparam("now"))
)
_REVOKE = (
    update(api_keys)
    .where(_rows.key_id == bindparam("row"), _rows.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


class ApiKeyRepository:
    """API keys, each with its owner. A key's role is never above its owner's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_key(self, key_id: UUID) -> ApiKey | None:
        """In whatever state."""
        row = self._connection.execute(_BY_ID, {"row": key_id}).one_or_none()
        return None if row is None else _key(row)

    def get_active_key(self, key_hash: bytes, *, now: datetime) -> ApiKey | None:
        """The key, if it and its owner are good now."""
        row = self._connection.execute(_BY_HASH, {"hash": key_hash, "now": now}).one_or_none()
        return None if row is None else _key(row)

    def list_keys(self, *, user_id: UUID | None = None) -> list[ApiKey]:
        """By owner, newest first; revoked and expired ones included."""
        if user_id is None:
            found = self._connection.execute(_LIST)
        else:
            found = self._connection.execute(_LIST_OF_USER, {"user": user_id})
        return [_key(row) for row in found]

    def save_key(
        self,
        owner: User,
        *,
        name: str,
        key_hash: bytes,
        hint: str,
        role: Role,
        read_only: bool,
        groups: Sequence[str] | None,
        expires_at: datetime | None,
        now: datetime,
    ) -> ApiKey:
        key_id = uuid4()
        row = {
            "key_id": key_id,
            "user_id": owner.user_id,
            "name": name,
            "key_hash": key_hash,
            "hint": hint,
            "role": role.word,
            "read_only": read_only,
            "path_groups": None if groups is None else list(groups),
            "created_at": now,
            "expires_at": expires_at,
        }
        self._connection.execute(_INSERT, row)
        return ApiKey(
            key_id=key_id,
            user_id=owner.user_id,
            username=owner.username,
            name=name,
            hint=hint,
            role=role,
            read_only=read_only,
            groups=None if groups is None else tuple(groups),
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
            revoked_at=None,
        )

    def save_use(self, key_id: UUID, *, now: datetime) -> None:
        self._connection.execute(_TOUCH, {"row": key_id, "now": now})

    def revoke_key(self, key_id: UUID, *, now: datetime) -> bool:
        return self._connection.execute(_REVOKE, {"row": key_id, "now": now}).rowcount == 1


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        user_id=row.user_id,
        username=row.username,
        name=row.name,
        hint=row.hint,
        role=min(Role.of(row.role), Role.of(row.owner_role)),
        read_only=row.read_only,
        groups=None if row.path_groups is None else tuple(row.path_groups),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
