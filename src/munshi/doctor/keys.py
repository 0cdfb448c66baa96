"""The master key: where it is, whether others can read it, and whether it opens this database."""

from collections.abc import Iterator

from munshi.doctor.diagnosis import CannotLookError, Diagnosis, State
from munshi.doctor.ground import DoctorGround
from munshi.errors import VaultKeyMissingError
from munshi.infrastructure.database.opening import check_canary
from munshi.infrastructure.security.key_places import KeyFile
from munshi.infrastructure.security.vault import Vault

_RESTORE = "Put the right key back: munshi keys restore FILE"


def look_at_key(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Opens the canary and every data key with what is there; never makes a key.

    Raises VaultKeyInvalidError, VaultKeyMissingError, VaultKeyConflictError.
    """
    lying = KeyFile(ground.settings.home).read()
    try:
        database = ground.sight.of_our_revision()
    except CannotLookError as error:
        at = "There is a key file" if lying else "There is no key file"
        yield Diagnosis(
            what="master key",
            state=State.SKIPPED,
            found=f"{at}, and it cannot be tried: {error}",
        )
        return
    with database.reading() as tx:
        master = tx.vault_keys.get_master()
        keys = tx.vault_keys.list_wrapped()
    if master is None:
        yield Diagnosis(
            what="master key",
            state=State.OK,
            found="Nothing was sealed here yet; the first start makes a key.",
        )
        return
    try:
        found = ground.keys.open(master.key_id, source=master.source)
    except VaultKeyMissingError as error:
        yield Diagnosis(
            what="master key", state=State.BROKEN, found=error.detail, mend=error.hint or _RESTORE
        )
        return
    check_canary(found, master)
    Vault(found.ring, clock=ground.clock).learn(keys)
    yield Diagnosis(
        what="master key",
        state=State.OK,
        found=f"Key {master.key_id} in {found.place.label} opens all {len(keys)} data keys.",
        facts={"key_id": master.key_id, "place": str(found.place.source), "data_keys": len(keys)},
    )
