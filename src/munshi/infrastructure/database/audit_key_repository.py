"""SQL for AuditKeys: who signs the trail. Private keys enter and leave the table sealed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from munshi.domain.ledger.checkpoints import key_fingerprint
from munshi.errors import LedgerBrokenError
from munshi.infrastructure.database.models import audit_keys
from munshi.infrastructure.security.signing import SigningKey
from munshi.infrastructure.security.vault import Vault

_keys = audit_keys.c
_NEWEST = select(audit_keys).order_by(_keys.created_at.desc(), _keys.key_id).limit(1)
_ALL = select(audit_keys)
_PUBLIC = select(_keys.public_key).where(_keys.key_id == bindparam("key"))
_INSERT = insert(audit_keys)


class AuditKeyRepository:
    """The keys that sign blocks, each under its fingerprint."""

    def __init__(self, connection: Connection, vault: Callable[[], Vault]) -> None:
        self._connection = connection
        self._vault = vault

    def get_signing_key(self, *, now: datetime) -> SigningKey:
        """The newest key; a new one is made where there is none."""
        row = self._connection.execute(_NEWEST).one_or_none()
        if row is None:
            return self._save_new_key(now)
        return self._opened(row)

    def list_public_keys(self) -> dict[str, bytes]:
        """Public keys by their id, each proved by the private one that the vault opens.

        Raises LedgerBrokenError for a key that was put there by somebody else, and
        SecretUnreadableError.
        """
        rows = self._connection.execute(_ALL).fetchall()
        return {row.key_id: self._opened(row).public for row in rows}

    def get_public_key(self, key_id: str) -> bytes:
        """As it stands in the table, unproved."""
        key: bytes = self._connection.execute(_PUBLIC, {"key": key_id}).scalar_one()
        return key

    def _save_new_key(self, now: datetime) -> SigningKey:
        key = SigningKey.new()
        key_id = key_fingerprint(key.public)
        sealed = self._vault().seal(
            key.to_text(), table="AuditKeys", column="private_key", row_id=key_id
        )
        self._connection.execute(
            _INSERT,
            {
                "key_id": key_id,
                "public_key": key.public,
                "private_key": sealed,
                "created_at": now,
            },
        )
        return key

    def _opened(self, row: Any) -> SigningKey:  # noqa: ANN401 - a row
        opened = self._vault().unseal(
            row.private_key, table="AuditKeys", column="private_key", row_id=row.key_id
        )
        key = SigningKey.from_text(opened)
        if key.public != row.public_key or key_fingerprint(key.public) != row.key_id:
            raise LedgerBrokenError(
                f"The audit trail's signing key {row.key_id} was replaced.",
                hint="Compare with a checkpoint or a backup.",
            )
        return key
