"""A new master key: three steps, after each of which a desk opens."""

from dataclasses import dataclass

from munshi.domain.audit import Actor
from munshi.errors import KeyChangeConflictError, VaultKeyInvalidError
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.key_sources import FoundKeys
from munshi.infrastructure.security.master_keys import KeyRing, make_canary, new_ring
from munshi.infrastructure.security.vault import Vault
from munshi.keys.ground import ENTITY, KeyGround
from munshi.settings import KeySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did."""

    old_key_id: str
    new_key_id: str
    data_keys: int
    source: str


def rotate(ground: KeyGround, *, actor: Actor) -> Rotated:
    """Wrap every data key with a new master key.

    First the place of the key holds both, then the database changes over in one transaction, then
    the place holds the new one alone. Processes that run go on: they know the data keys, and
    read the place again when they meet a new one. Raises KeyChangeConflictError, and what opening
    the vault raises.
    """
    with ground.alone():
        master, found = ground.found()
        both = _both(found, master.key_id)
        if found.place.source is not KeySource.ENVIRONMENT:
            found.place.write(both)
        with ground.database.transaction() as tx:
            data_keys = _change_over(tx, ground, master.key_id, both, source=found.place.source)
            tx.audit.log(
                ENTITY,
                "rotated",
                entity_id=both.active,
                old_value={"master_key": master.key_id},
                new_value={"master_key": both.active},
                details={"data_keys": data_keys, "source": found.place.source.value},
                actor=actor,
                now=ground.clock.now(),
            )
        if found.place.source is not KeySource.ENVIRONMENT:
            found.place.write(both.alone(both.active))
    return Rotated(
        old_key_id=master.key_id,
        new_key_id=both.active,
        data_keys=data_keys,
        source=found.place.source.value,
    )


def _both(found: FoundKeys, key_id: str) -> KeyRing:
    """The key in force and its successor, which is active."""
    if found.place.source is not KeySource.ENVIRONMENT:
        return found.ring.alone(key_id).joined(new_ring())
    if found.ring.active == key_id:
        raise VaultKeyInvalidError(
            "The master key stands in MUNSHI_MASTER_KEY, so the new one must stand there too.",
            hint="Put it in front, MUNSHI_MASTER_KEY=NEWID:NEWKEY,OLDID:OLDKEY, for every process, "
            "start them again, and rotate then. See docs/how-to/keys.md.",
        )
    return found.ring


def _change_over(
    tx: Transaction, ground: KeyGround, key_id: str, both: KeyRing, *, source: str
) -> int:
    locked = tx.vault_keys.lock_master()
    if locked is None or locked.key_id != key_id:
        raise KeyChangeConflictError(
            "Another process changed the master key at the same moment.",
            hint="Look at: munshi keys show",
        )
    vault = Vault(both)
    keys = tx.vault_keys.list_wrapped()
    for key in keys:
        tx.vault_keys.save_wrapping(vault.rewrap(key, master_id=both.active))
    tx.vault_keys.save_master(
        both.active, make_canary(both, both.active), source=source, now=ground.clock.now()
    )
    return len(keys)
