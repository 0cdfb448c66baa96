"""Finds the master key of a database: in order, never by a silent step down."""

from dataclasses import dataclass
from pathlib import Path

from munshi.errors import VaultKeyConflictError, VaultKeyMissingError
from munshi.infrastructure.security.key_places import (
    EnvironmentKey,
    KeyFile,
    KeyPlace,
    SystemKeyring,
)
from munshi.infrastructure.security.master_keys import KeyRing
from munshi.settings import KeySource


@dataclass(frozen=True, slots=True)
class FoundKeys:
    """Master keys and the place they were found in."""

    ring: KeyRing
    place: KeyPlace

    def reread(self) -> KeyRing | None:
        return self.place.read()


class KeySources:
    """The three places. `chosen` names one of them, or leaves it to the rules of `open`."""

    def __init__(self, home: Path, *, chosen: KeySource, given: str) -> None:
        self._chosen = chosen
        self._environment = EnvironmentKey(given)
        self._file = KeyFile(home)
        self._keyring = SystemKeyring(home)
        self._places: dict[KeySource, KeyPlace] = {
            place.source: place for place in (self._environment, self._file, self._keyring)
        }

    def open(self, key_id: str | None, *, source: str | None) -> FoundKeys:
        """The keys for a database whose master key is `key_id`, kept in `source`.

        With `auto`, a key given in the environment is used, because somebody put it there on
        purpose; else the place the database remembers, and no other. A database that was never
        sealed (`key_id` None) takes the key that is there, or gets a new one: in the keyring
        where a real one answers, else in the file. Raises VaultKeyMissingError,
        VaultKeyConflictError, VaultKeyInvalidError; a sealed database never gets a new key.
        """
        place = self._place(key_id, source)
        ring = place.read()
        if ring is None and key_id is None and isinstance(place, (KeyFile, SystemKeyring)):
            ring = place.create()
        if ring is None:
            raise _missing(place, key_id)
        if self._chosen is KeySource.AUTO:
            self._refuse_conflict(place, ring, key_id)
        return FoundKeys(ring, place)

    def place_for(self, source: str | None) -> KeyPlace:
        """Where a restored key is put: as chosen, else where the database remembers it."""
        if self._chosen is not KeySource.AUTO:
            return self._places[self._chosen]
        return self._places[KeySource(source)] if source else self._place(None, None)

    def _place(self, key_id: str | None, source: str | None) -> KeyPlace:
        if self._chosen is not KeySource.AUTO:
            return self._places[self._chosen]
        if self._environment.read() is not None:
            return self._environment
        if source == KeySource.KEYRING:
            return self._keyring
        if key_id is not None or self._file.read() is not None:
            return self._file
        return self._keyring if self._keyring.answers() else self._file

    def _refuse_conflict(self, place: KeyPlace, ring: KeyRing, key_id: str | None) -> None:
        """The file is always looked at: it costs nothing, and a forgotten one misleads."""
        if place is self._file:
            return
        other = self._file.read()
        wanted = key_id or ring.active
        if other is None or other.keys.get(wanted) == ring.keys.get(wanted) is not None:
            return
        if wanted not in ring.keys and wanted not in other.keys:
            return
        right = place if wanted in ring.keys else self._file
        wrong = self._file if right is place else place
        raise VaultKeyConflictError(
            f"{place.label} and {self._file.label} hold different master keys; "
            f"the one that counts, {wanted}, is in {right.label}.",
            hint=f"Put {wrong.label} aside, or name one place: MUNSHI_KEY_SOURCE={right.source}.",
        )


def _missing(place: KeyPlace, key_id: str | None) -> VaultKeyMissingError:
    sealed = f" This database was sealed with master key {key_id}." if key_id else ""
    return VaultKeyMissingError(
        f"{place.label} is missing: there is no master key.{sealed}",
        hint="Restore it from your copy: munshi keys restore FILE, or name the place it is in: "
        "MUNSHI_KEY_SOURCE.",
    )
