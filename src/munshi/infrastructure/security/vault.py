"""The vault: AES-256-GCM, each ciphertext bound to the row and column it stands in."""

import copy
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from os import urandom
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from munshi.clock import Clock, SystemClock
from munshi.errors import SecretUnreadableError, VaultKeyInvalidError
from munshi.infrastructure.security.binding import (
    KEY_BYTES,
    KEY_ID_BYTES,
    NONCE_BYTES,
    bind,
    bind_column,
    bind_row,
)
from munshi.infrastructure.security.master_keys import KeyRing, unwrap_key, wrap_key
from munshi.infrastructure.security.purposes import Purpose, purpose_of

FORMAT_VERSION = 2
_OLD_FORMAT = 1
_SHORTEST_MAC = 16
# Tried where a ciphertext's key is for something else: it opens nothing.
_NO_KEY = AESGCM(secrets.token_bytes(KEY_BYTES))
_NONCE_AT = 1 + KEY_ID_BYTES
_HEADER = _NONCE_AT + NONCE_BYTES


class Sealed(bytes):
    """Ciphertext; the only value a secret column takes."""

    __slots__ = ()

    @property
    def key_id(self) -> str:
        """The data key that sealed it."""
        return self[1 : 1 + KEY_ID_BYTES].hex()

    def __repr__(self) -> str:
        return "Sealed(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """A data key as the database keeps it. Of one purpose only one is active: it seals."""

    key_id: str
    purpose: Purpose
    master_key_id: str
    wrapped: bytes = field(repr=False)
    is_active: bool


@dataclass(frozen=True, slots=True)
class _DataKey:
    """`header` begins what it seals and `bound_to` ends what that is bound to."""

    purpose: Purpose
    secret: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)
    header: bytes
    bound_to: bytes


class KeyRows(Protocol):
    """The stored data keys, as an open transaction sees them."""

    def hold_active(self, purpose: Purpose) -> str | None:
        """The key that seals, which nobody can retire before this transaction ends."""
        ...

    def add_active(
        self, purpose: Purpose, make: Callable[[str | None], WrappedKey], *, now: datetime
    ) -> str:
        """Store what `make` returns for the master key in force, unless somebody just did."""
        ...

    def list_wrapped(self) -> Iterable[WrappedKey]: ...


class Vault:
    """Seals and unseals secrets with data keys, which it unwraps with the master keys of a ring.

    Stored form: version (1 byte), key id (8), nonce (12), ciphertext with tag. The associated
    data is the length-prefixed (version, table, column, row id, key id), so a ciphertext that is
    moved to another row or column does not open.

    `tx.vault` is bound to its transaction: it always seals with the key that is active there, and
    meets keys made by others when it needs them. `reread` gives the master keys anew, after a
    rotation by another process; `reload` gives the data keys to a vault that no transaction holds.
    """

    def __init__(
        self,
        ring: KeyRing,
        *,
        reread: Callable[[], KeyRing | None] | None = None,
        reload: Callable[[], Iterable[WrappedKey]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._active_master = ring.active
        self._masters = dict(ring.keys)
        self._keys: dict[str, _DataKey] = {}
        self._openers: dict[bytes, _DataKey] = {}
        self._active: dict[Purpose, str] = {}
        self._reread = reread
        self._reload = reload
        self._clock = clock or SystemClock()
        self._rows: KeyRows | None = None
        self._held: dict[Purpose, str] = {}

    def bound_to(self, rows: KeyRows) -> "Vault":
        """The same vault within one transaction."""
        bound = copy.copy(self)
        bound._rows = rows  # noqa: SLF001 - a copy of ourselves
        bound._held = {}  # noqa: SLF001
        return bound

    def learn(self, keys: Iterable[WrappedKey]) -> None:
        """Unwrap keys that are new here.

        Raises VaultKeyInvalidError if one was changed or its master key is not at hand.
        """
        for each in keys:
            if each.key_id not in self._keys:
                key = self._unwrap(each)
                self._openers[key.header] = key
                self._keys[each.key_id] = key
            if each.is_active:
                self._active[each.purpose] = each.key_id

    def _unwrap(self, key: WrappedKey) -> _DataKey:
        secret = unwrap_key(
            key.wrapped,
            purpose=key.purpose,
            key_id=key.key_id,
            master_id=key.master_key_id,
            master=self._master(key.master_key_id),
        )
        version = _OLD_FORMAT if key.purpose is Purpose.FORMAT_1 else FORMAT_VERSION
        header = bytes([version]) + bytes.fromhex(key.key_id)
        return _DataKey(key.purpose, secret, AESGCM(secret), header, bind(key.key_id))

    def _master(self, key_id: str) -> bytes:
        if key_id not in self._masters and self._reread is not None:
            self._masters.update((self._reread() or KeyRing("", {})).keys)
        try:
            return self._masters[key_id]
        except KeyError:
            raise VaultKeyInvalidError(
                f"The master key was changed to {key_id}, which this process does not have.",
                hint="Put that key where this process finds it, and start it again.",
            ) from None

    def make_key(self, purpose: Purpose, *, master_id: str | None = None) -> WrappedKey:
        """A new active key, wrapped by `master_id`; it seals once it is stored."""
        secret = secrets.token_bytes(KEY_BYTES)
        return self.wrap(
            secret, secrets.token_hex(KEY_ID_BYTES), purpose, master_id=master_id, is_active=True
        )

    def wrap(
        self,
        secret: bytes,
        key_id: str,
        purpose: Purpose,
        *,
        master_id: str | None = None,
        is_active: bool,
    ) -> WrappedKey:
        by = master_id or self._active_master
        wrapped = wrap_key(
            secret, purpose=purpose, key_id=key_id, master_id=by, master=self._master(by)
        )
        return WrappedKey(
            key_id=key_id, purpose=purpose, master_key_id=by, wrapped=wrapped, is_active=is_active
        )

    def rewrap(self, key: WrappedKey, *, master_id: str) -> WrappedKey:
        """The same data key, wrapped by another master key."""
        secret = self._unwrap(key).secret
        return self.wrap(
            secret, key.key_id, key.purpose, master_id=master_id, is_active=key.is_active
        )

    def admit(self, ring: KeyRing) -> None:
        """Have more master keys at hand."""
        self._masters.update(ring.keys)

    def sealing_key(self, purpose: Purpose) -> str:
        """The key that seals for `purpose` now; within a transaction it stays so to its end."""
        if self._rows is None:
            if purpose not in self._active and self._reload is not None:
                self.learn(self._reload())
            try:
                return self._active[purpose]
            except KeyError:
                raise VaultKeyInvalidError(f"There is no data key for {purpose} yet.") from None
        held = self._held.get(purpose)
        if held is None:
            held = self._rows.hold_active(purpose) or self._rows.add_active(
                purpose,
                lambda master_id: self.make_key(purpose, master_id=master_id),
                now=self._clock.now(),
            )
            if held not in self._keys:
                self.learn(self._rows.list_wrapped())
            self._held[purpose] = held
        return held

    def seal(self, value: str, *, table: str, column: str, row_id: UUID | str) -> Sealed:
        """Raises VaultKeyInvalidError if the key that must seal cannot be had."""
        key = self._keys[self.sealing_key(purpose_of(table))]
        nonce = urandom(NONCE_BYTES)
        bound_to = _associated_data(key, FORMAT_VERSION, table, column, row_id)
        return Sealed(key.header + nonce + key.cipher.encrypt(nonce, value.encode(), bound_to))

    def unseal(self, sealed: bytes, *, table: str, column: str, row_id: UUID | str) -> str:
        """The clear value.

        Raises SecretUnreadableError if the bytes were changed, moved or sealed by an unknown key.
        """
        version = sealed[0] if len(sealed) > _HEADER else 0
        if version not in (FORMAT_VERSION, _OLD_FORMAT):
            raise SecretUnreadableError(
                f"{table}.{column} of row {row_id} does not hold a sealed secret."
            )
        header = bytes(sealed[:_NONCE_AT])
        key = self._openers.get(header) or self._fetch(header)
        if key is None:
            raise SecretUnreadableError(
                f"{table}.{column} of row {row_id} was sealed with key {header[1:].hex()}, "
                "which is not here."
            )
        fits = version == _OLD_FORMAT or key.purpose is purpose_of(table)
        cipher = key.cipher if fits else _NO_KEY
        bound_to = _associated_data(key, version, table, column, row_id)
        try:
            return cipher.decrypt(sealed[_NONCE_AT:_HEADER], sealed[_HEADER:], bound_to).decode()
        except InvalidTag:
            raise SecretUnreadableError(
                f"{table}.{column} of row {row_id} was changed or moved since it was sealed.",
                hint="Log in again or store the value again.",
            ) from None

    def _fetch(self, header: bytes) -> _DataKey | None:
        """A key that was made since we looked last."""
        if self._rows is not None:
            self.learn(self._rows.list_wrapped())
        elif self._reload is not None:
            self.learn(self._reload())
        return self._openers.get(header)

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """A keyed hash that only this desk can make; each purpose has a key of its own."""
        return _mac(self._keys[self.sealing_key(Purpose.TICKETS)], message, purpose)

    def check_mac(self, message: bytes, mac: bytes, *, purpose: str) -> bool:
        """Whether `mac` begins what `mac()` gives or gave: keys lately retired count too.

        Less than half of one proves nothing.
        """
        if len(mac) < _SHORTEST_MAC:
            return False
        if self._is_mac(message, mac, purpose):
            return True
        if self._reload is None or self._rows is not None:
            return False
        known = len(self._keys)
        self.learn(self._reload())
        return len(self._keys) > known and self._is_mac(message, mac, purpose)

    def _is_mac(self, message: bytes, mac: bytes, purpose: str) -> bool:
        keys = [key for key in list(self._keys.values()) if key.purpose is Purpose.TICKETS]
        return any(
            hmac.compare_digest(mac, _mac(key, message, purpose)[: len(mac)]) for key in keys
        )


def _mac(key: _DataKey, message: bytes, purpose: str) -> bytes:
    derived = hmac.digest(key.secret, b"munshi/" + purpose.encode(), "sha256")
    return hmac.digest(derived, message, "sha256")


def _associated_data(
    key: _DataKey, version: int, table: str, column: str, row_id: UUID | str
) -> bytes:
    """`bind(version, table, column, row id, key id)`, put together from parts made before."""
    return bind_column(version, table, column) + bind_row(row_id) + key.bound_to
