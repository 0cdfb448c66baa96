"""SQL for VaultKeys and DataKeys: which keys there are, and which of them seal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.infrastructure.database.models import data_keys, vault_keys
from munshi.infrastructure.security.purposes import Purpose
from munshi.infrastructure.security.vault import WrappedKey

_key = data_keys.c
_MASTERS = select(vault_keys).order_by(vault_keys.c.created_at.desc())
_MASTER = select(vault_keys).where(vault_keys.c.is_active)
# Whoever changes keys queues here: an update locks the row on every database.
_LOCK_MASTER = update(vault_keys).where(vault_keys.c.is_active).values(is_active=True)
_INSERT_MASTER = insert(vault_keys)
_RETIRE_MASTER = (
    update(vault_keys)
    .where(vault_keys.c.is_active)
    .values(is_active=False, retired_at=bindparam("now"))
)
_SET_SOURCE = (
    update(vault_keys).where(vault_keys.c.is_active).values(source=bindparam("new_source"))
)
_ACTIVE = select(_key.key_id).where(
    _key.purpose == bindparam("for_purpose"), _key.retired_at.is_(None)
)
_HOLD_ACTIVE = _ACTIVE.with_for_update(read=True, key_share=True).with_hint(
    data_keys, "WITH (REPEATABLEREAD, ROWLOCK)", "mssql"
)
_LOCK_KEY = _ACTIVE.with_for_update()
_LIST = select(data_keys).order_by(_key.purpose, _key.created_at)
_INSERT = insert(data_keys)
_RETIRE = (
    update(data_keys)
    .where(_key.key_id == bindparam("key"), _key.retired_at.is_(None))
    .values(retired_at=bindparam("now"))
)
_REWRAP = (
    update(data_keys)
    .where(_key.key_id == bindparam("key"))
    .values(master_key_id=bindparam("new_master"), wrapped_key=bindparam("new_wrapped"))
)
_DELETE = delete(data_keys).where(_key.key_id == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKeyRow:
    """A master key as the database knows it: never the key itself."""

    key_id: str
    canary: bytes
    source: str | None
    is_active: bool
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyRow:
    """A data key with its dates."""

    key: WrappedKey
    created_at: datetime
    retired_at: datetime | None


class VaultKeyRepository:
    """Keys: wrapped, and never in clear."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_master(self) -> MasterKeyRow | None:
        """The master key in force; None while nothing was ever sealed here."""
        row = self._connection.execute(_MASTER).one_or_none()
        return None if row is None else _master(row)

    def list_masters(self) -> list[MasterKeyRow]:
        """Newest first."""
        return [_master(row) for row in self._connection.execute(_MASTERS)]

    def save_master(self, key_id: str, canary: bytes, *, source: str, now: datetime) -> None:
        """Put a master key in force, retiring the one before it."""
        self._connection.execute(_RETIRE_MASTER, {"now": now})
        self._connection.execute(
            _INSERT_MASTER,
            {
                "key_id": key_id,
                "canary": canary,
                "source": source,
                "is_active": True,
                "created_at": now,
            },
        )

    def save_source(self, source: str) -> None:
        """Remember where the master key in force is kept."""
        self._connection.execute(_SET_SOURCE, {"new_source": source})

    def lock_master(self) -> MasterKeyRow | None:
        """`get_master`, and nobody else changes keys before this transaction ends."""
        self._connection.execute(_LOCK_MASTER)
        return self.get_master()

    def hold_active(self, purpose: Purpose) -> str | None:
        return self._connection.execute(_HOLD_ACTIVE, {"for_purpose": purpose}).scalar_one_or_none()

    def add_active(
        self, purpose: Purpose, make: Callable[[str | None], WrappedKey], *, now: datetime
    ) -> str:
        master = self.lock_master()
        found = self.hold_active(purpose)
        if found is not None:
            return found
        key = make(master.key_id if master else None)
        try:
            with self._connection.begin_nested():
                self.save_data_key(key, now=now)
        except IntegrityError:
            # Without a master key's row to wait at, another transaction was first.
            found = self.hold_active(purpose)
            if found is None:
                raise
            return found
        return key.key_id

    def get_active(self, purpose: Purpose) -> str | None:
        found: str | None = self._connection.execute(
            _ACTIVE, {"for_purpose": purpose}
        ).scalar_one_or_none()
        return found

    def list_wrapped(self) -> list[WrappedKey]:
        return [each.key for each in self.list_data_keys()]

    def list_data_keys(self) -> list[DataKeyRow]:
        """By purpose, oldest first."""
        return [
            DataKeyRow(
                key=WrappedKey(
                    key_id=row.key_id,
                    purpose=Purpose(row.purpose),
                    master_key_id=row.master_key_id,
                    wrapped=row.wrapped_key,
                    is_active=row.retired_at is None,
                ),
                created_at=row.created_at,
                retired_at=row.retired_at,
            )
            for row in self._connection.execute(_LIST)
        ]

    def save_data_key(self, key: WrappedKey, *, now: datetime) -> None:
        self._connection.execute(
            _INSERT,
            {
                "key_id": key.key_id,
                "purpose": key.purpose,
                "master_key_id": key.master_key_id,
                "wrapped_key": key.wrapped,
                "created_at": now,
                "retired_at": None if key.is_active else now,
            },
        )

    def lock_active(self, purpose: Purpose) -> str | None:
        """The key that seals, once the transactions that hold it have ended."""
        return self._connection.execute(_LOCK_KEY, {"for_purpose": purpose}).scalar_one_or_none()

    def retire_data_key(self, key_id: str, *, now: datetime) -> None:
        """Have it seal nothing more."""
        self._connection.execute(_RETIRE, {"key": key_id, "now": now})

    def save_wrapping(self, key: WrappedKey) -> None:
        """Keep a data key under another master key."""
        self._connection.execute(
            _REWRAP,
            {
                "key": key.key_id,
                "new_master": key.master_key_id,
                "new_wrapped": key.wrapped,
            },
        )

    def delete_data_key(self, key_id: str) -> None:
        self._connection.execute(_DELETE, {"key": key_id})


def _master(row: Row[Any]) -> MasterKeyRow:
    return MasterKeyRow(
        key_id=row.key_id,
        canary=row.canary,
        source=row.source,
        is_active=row.is_active,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )
