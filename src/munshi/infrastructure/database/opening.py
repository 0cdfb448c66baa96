"""Opens a database for work: reachable, at the right revision, with the key that sealed it."""

from datetime import datetime

from munshi.errors import DatabaseStaleError, VaultKeyInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.revision import (
    read_revision,
    refuse_foreign,
    refuse_newer,
)
from munshi.infrastructure.security.vault import KeyFile, KeyRing, Vault


def check_revision(database: Database) -> None:
    """Compare one row.

    Raises DatabaseUnreachableError, DatabaseForeignError, or DatabaseStaleError naming the
    command that mends it.
    """
    with database.connected() as connection:
        found = read_revision(connection)
        if found == HEAD:
            return
        refuse_foreign(connection)
    refuse_newer(found)
    state = "is empty" if found is None else f"is at revision {found}"
    raise DatabaseStaleError(
        f"The database {state}; this version needs {HEAD}.", hint="Run: munshi db upgrade"
    )


def unlock(database: Database, key_file: KeyFile, *, given: KeyRing | None, now: datetime) -> Vault:
    """Open the vault with the key at hand, proved against the database's canaries.

    `given` is a key from the environment and wins over the file. Only an unsealed database gets
    a new key. Raises VaultKeyInvalidError before anything is written.
    """
    with database.reading() as tx:
        canaries = tx.vault_keys.list_canaries()
    ring = given or key_file.read()
    if ring is None:
        if canaries:
            raise VaultKeyInvalidError(
                f"{key_file.path} is missing, and this database was sealed with "
                f"key {', '.join(canaries)}.",
                hint="Restore the key file from your copy, or set MUNSHI_MASTER_KEY.",
            )
        ring = key_file.create()
    vault = Vault(ring)
    for key_id, canary in canaries.items():
        vault.check_canary(canary, key_id=key_id)
    if vault.key_id not in canaries:
        with database.transaction() as tx:
            if vault.key_id not in tx.vault_keys.list_canaries():
                tx.vault_keys.save_canary(vault.key_id, vault.make_canary(), now=now)
    database.unlock(vault)
    return vault
