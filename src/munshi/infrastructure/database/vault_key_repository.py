"""SQL for VaultKeys: the canaries that tell the right key from a wrong one."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from munshi.infrastructure.database.models import vault_keys
from munshi.infrastructure.security.vault import Sealed

_LIST = select(vault_keys.c.key_id, vault_keys.c.canary)
_INSERT = insert(vault_keys)


class VaultKeyRepository:
    """One canary for each key that sealed something here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_canaries(self) -> dict[str, bytes]:
        return {row.key_id: row.canary for row in self._connection.execute(_LIST)}

    def save_canary(self, key_id: str, canary: Sealed, *, now: datetime) -> None:
        self._connection.execute(_INSERT, {"key_id": key_id, "canary": canary, "created_at": now})
