"""The master key and the data keys: what there is, changing them, and a copy to keep apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from munshi.domain.audit import Actor
from munshi.errors import KeyBackupInvalidError, VaultKeyConflictError, VaultKeyInvalidError
from munshi.infrastructure.database.vault_key_repository import MasterKeyRow
from munshi.infrastructure.platform import write_private
from munshi.infrastructure.security.key_backup import open_backup, seal_backup
from munshi.infrastructure.security.key_places import KeyPlace
from munshi.infrastructure.security.master_keys import KeyRing, opens_canary
from munshi.keys.ground import ENTITY, KeyGround
from munshi.keys.reencryption import Progress, Reencrypted, reencrypt
from munshi.keys.rotation import Rotated, rotate


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A key as people may see it. `values` counts what it seals; a master key seals none."""

    key_id: str
    purpose: str
    state: str
    source: str | None
    created_at: datetime
    retired_at: datetime | None
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of a copy."""

    key_id: str
    place: str
    changed: bool


class KeyService:
    """Acts on keys. Each is audited in its own transaction; none shows or logs a key."""

    def __init__(self, ground: KeyGround) -> None:
        self._ground = ground

    def list_keys(self) -> list[KeyView]:
        """The master keys, newest first, then the data keys by purpose."""
        with self._ground.database.reading() as tx:
            masters = tx.vault_keys.list_masters()
            keys = tx.vault_keys.list_data_keys()
            counts = tx.sealed_rows.count_values()
        return [_master_view(each) for each in masters] + [
            KeyView(
                key_id=each.key.key_id,
                purpose=each.key.purpose.value,
                state="active" if each.key.is_active else "retired",
                source=f"wrapped by {each.key.master_key_id}",
                created_at=each.created_at,
                retired_at=each.retired_at,
                values=counts.get(each.key.key_id, 0),
            )
            for each in keys
        ]

    def rotate(self, *, actor: Actor) -> Rotated:
        """See `keys/rotation.py`."""
        return rotate(self._ground, actor=actor)

    def reencrypt(self, *, progress: Progress, actor: Actor) -> Reencrypted:
        """See `keys/reencryption.py`."""
        return reencrypt(self._ground, progress=progress, actor=actor)

    def sealed_copy(self, passphrase: str, *, actor: Actor) -> bytes:
        """The content of a backup file, for a larger copy to include.

        Raises PassphraseWeakError, and what opening the vault raises.
        """
        master, found = self._ground.found()
        content = seal_backup(found.ring, passphrase, now=self._ground.clock.now())
        self._audit("backed_up", master.key_id, {}, actor)
        return content

    def back_up(self, path: Path, passphrase: str, *, actor: Actor) -> None:
        """Write a sealed copy that only its owner can read.

        Raises KeyBackupInvalidError where the file is there already or cannot be written.
        """
        if path.exists():
            raise KeyBackupInvalidError(
                f"{path} is there already.", hint="Name another file, or move that one away."
            )
        content = self.sealed_copy(passphrase, actor=actor)
        try:
            write_private(path, content)
        except OSError as error:
            raise KeyBackupInvalidError(
                f"{path} cannot be written: {error.strerror or 'it is there already'}."
            ) from None

    def check_copy(self, path: Path, passphrase: str) -> str:
        """The id of the master key in the copy, which is the one that this database needs.

        Raises KeyBackupInvalidError.
        """
        ring = open_backup(_read(path), passphrase)
        return self._wanted(ring, str(path))

    def restore(
        self, path: Path, passphrase: str, *, replace: bool = False, actor: Actor
    ) -> Restored:
        """Put the key of a copy where this desk looks for it; the copy must fit the database.

        Raises KeyBackupInvalidError; VaultKeyConflictError if another key stands there, unless it
        may be replaced.
        """
        ring = open_backup(_read(path), passphrase)
        with self._ground.alone():
            key_id, place, changed = self._put_back(ring, str(path), replace=replace)
            with self._ground.database.transaction() as tx:
                tx.vault_keys.save_source(place.source)
                tx.audit.log(
                    ENTITY,
                    "restored",
                    entity_id=key_id,
                    details={"source": place.source.value, "changed": changed},
                    actor=actor,
                    now=self._ground.clock.now(),
                )
        return Restored(key_id=key_id, place=place.label, changed=changed)

    def put_back(self, content: bytes, passphrase: str) -> Restored:
        """`restore` as part of a larger one, which has an audit row of its own.

        `content` is what `sealed_copy` gave. Raises KeyBackupInvalidError, VaultKeyConflictError.
        """
        ring = open_backup(content, passphrase)
        with self._ground.alone():
            key_id, place, changed = self._put_back(ring, "The copy of the keys", replace=False)
            with self._ground.database.transaction() as tx:
                tx.vault_keys.save_source(place.source)
        return Restored(key_id=key_id, place=place.label, changed=changed)

    def _put_back(self, ring: KeyRing, where: str, *, replace: bool) -> tuple[str, KeyPlace, bool]:
        """Have the place of this desk's key hold `ring`: the key's id, the place, if it changed."""
        key_id = self._wanted(ring, where)
        master = self._ground.master()
        place = self._ground.sources.place_for(master.source if master else None)
        return key_id, place, _put(place, ring, key_id, replace=replace)

    def _wanted(self, ring: KeyRing, path: str) -> str:
        master = self._ground.master()
        if master is None:
            return ring.active
        if not opens_canary(ring, master.canary, key_id=master.key_id):
            raise KeyBackupInvalidError(
                f"{path} holds {', '.join(sorted(ring.keys))}, and this database was sealed with "
                f"master key {master.key_id}.",
                hint="Find the copy that was made after the last rotation.",
            )
        return master.key_id

    def _audit(self, action: str, key_id: str, details: Mapping[str, object], actor: Actor) -> None:
        with self._ground.database.transaction() as tx:
            tx.audit.log(
                ENTITY,
                action,
                entity_id=key_id,
                details=details,
                actor=actor,
                now=self._ground.clock.now(),
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyBackupInvalidError(f"{path} cannot be read: {error.strerror}.") from None


def _put(place: KeyPlace, ring: KeyRing, key_id: str, *, replace: bool) -> bool:
    """Have `place` hold `ring`; whether it had to be changed for that."""
    try:
        standing = place.read()
    except VaultKeyInvalidError:
        if not replace:
            raise
        standing = None
    if standing is not None and standing.keys.get(key_id) == ring.keys[key_id]:
        return False
    if standing is not None and not replace:
        raise VaultKeyConflictError(
            f"{place.label} holds another key, {standing.active}.",
            hint="Copy it first if anything needs it, then say --replace.",
        )
    place.write(ring)
    return True


def _master_view(row: MasterKeyRow) -> KeyView:
    return KeyView(
        key_id=row.key_id,
        purpose="master",
        state="active" if row.is_active else "retired",
        source=row.source,
        created_at=row.created_at,
        retired_at=row.retired_at,
        values=0,
    )
