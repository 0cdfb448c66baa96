"""Opens a database for work: reachable, at the right revision, with the key that sealed it."""

from datetime import datetime
from functools import partial

from sqlalchemy.exc import IntegrityError

from munshi.clock import Clock
from munshi.errors import DatabaseStaleError, VaultKeyInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.revision import (
    read_revision,
    refuse_foreign,
    refuse_newer,
)
from munshi.infrastructure.database.vault_key_repository import MasterKeyRow
from munshi.infrastructure.security.key_sources import FoundKeys, KeySources
from munshi.infrastructure.security.master_keys import KeyRing, make_canary, opens_canary
from munshi.infrastructure.security.purposes import Purpose
from munshi.infrastructure.security.vault import Vault, WrappedKey


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


def unlock(database: Database, sources: KeySources, *, clock: Clock) -> Vault:
    """Open the vault with the key at hand, proved against the database's canary and data keys.

    Only a database that was never sealed gets a new key. Raises VaultKeyInvalidError,
    VaultKeyMissingError, VaultKeyConflictError, all before anything is written.
    """
    vault = _open(database, sources, clock=clock)
    while vault is None:  # another process sealed a new database first, maybe with another key
        vault = _open(database, sources, clock=clock)
    database.unlock(vault)
    return vault


def _open(database: Database, sources: KeySources, *, clock: Clock) -> Vault | None:
    with database.reading() as tx:
        master = tx.vault_keys.get_master()
        keys = tx.vault_keys.list_wrapped()
    found = sources.open(
        master.key_id if master else None, source=master.source if master else None
    )
    if master is not None:
        check_canary(found, master)
    vault = Vault(
        found.ring, reread=found.reread, reload=partial(_list_keys, database), clock=clock
    )
    vault.learn(keys)
    if master and master.source and any(key.purpose is Purpose.TICKETS for key in keys):
        return vault
    return vault if _settle(database, found, vault, master=master, now=clock.now()) else None


def check_canary(found: FoundKeys, master: MasterKeyRow) -> None:
    """Prove that we hold the key which sealed this database. Raises VaultKeyInvalidError."""
    if not opens_canary(found.ring, master.canary, key_id=master.key_id):
        raise VaultKeyInvalidError(
            f"The secrets in this database were sealed with master key {master.key_id}, "
            f"and the key in {found.place.label} is another one.",
            hint=f"Put the right key back into {found.place.label}: munshi keys restore FILE",
        )


def _settle(
    database: Database,
    found: FoundKeys,
    vault: Vault,
    *,
    master: MasterKeyRow | None,
    now: datetime,
) -> bool:
    """Write down which master key seals here, and make the key that signs tickets.

    False if another process did something of the kind meanwhile: then all is to be read again.
    """
    ring, source = found.ring, found.place.source
    try:
        with database.transaction() as tx:
            if tx.vault_keys.lock_master() != master:
                return False
            if master is None:
                canary = make_canary(ring, ring.active)
                tx.vault_keys.save_master(ring.active, canary, source=source, now=now)
            elif master.source is None:
                key = _as_data_key(vault, ring, master)
                tx.vault_keys.save_data_key(key, now=now)
                tx.vault_keys.save_source(source)
                vault.learn([key])
            vault.bound_to(tx.vault_keys).sealing_key(Purpose.TICKETS)
    except IntegrityError:
        return False
    return True


def _as_data_key(vault: Vault, ring: KeyRing, master: MasterKeyRow) -> WrappedKey:
    """A master key of before there were data keys, kept for what it sealed itself."""
    return vault.wrap(
        ring.keys[master.key_id],
        master.key_id,
        Purpose.FORMAT_1,
        master_id=master.key_id,
        is_active=False,
    )


def _list_keys(database: Database) -> list[WrappedKey]:
    with database.reading() as tx:
        return tx.vault_keys.list_wrapped()
