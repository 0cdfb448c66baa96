"""The vault: AES-256-GCM, each ciphertext bound to the row and column it stands in."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock

from munshi.errors import SecretUnreadableError, VaultKeyInvalidError
from munshi.infrastructure.platform import is_private, write_private

FORMAT_VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 8
KEY_FILE = "vault.key"
_HEADER = 1 + KEY_ID_BYTES + NONCE_BYTES
_CANARY = "munshi canary"


class Sealed(bytes):
    """Ciphertext; the only value a secret column takes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Sealed(…)"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Data keys by id; `active` seals, all unseal."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)


class Vault:
    """Seals and unseals secrets.

    Stored form: version (1 byte), key id (8), nonce (12), ciphertext with tag. The associated
    data is the length-prefixed (version, table, column, row id, key id), so a ciphertext that is
    moved to another row or column does not open.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._active = ring.active
        self._keys = ring.keys
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}

    @property
    def key_id(self) -> str:
        """The key that seals from now on."""
        return self._active

    def knows(self, key_id: str) -> bool:
        return key_id in self._ciphers

    def seal(self, value: str, *, table: str, column: str, row_id: UUID | str) -> Sealed:
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound_to = _associated_data(table, column, str(row_id), self._active)
        body = self._ciphers[self._active].encrypt(nonce, value.encode(), bound_to)
        return Sealed(bytes([FORMAT_VERSION]) + bytes.fromhex(self._active) + nonce + body)

    def unseal(self, sealed: bytes, *, table: str, column: str, row_id: UUID | str) -> str:
        """The clear value.

        Raises SecretUnreadableError if the bytes were changed, moved or sealed by an unknown key.
        """
        where = f"{table}.{column} of row {row_id}"
        if len(sealed) <= _HEADER or sealed[0] != FORMAT_VERSION:
            raise SecretUnreadableError(f"{where} does not hold a sealed secret.")
        key_id = sealed[1 : 1 + KEY_ID_BYTES].hex()
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadableError(f"{where} was sealed with key {key_id}, which is not here.")
        nonce = sealed[1 + KEY_ID_BYTES : _HEADER]
        bound_to = _associated_data(table, column, str(row_id), key_id)
        try:
            return cipher.decrypt(nonce, sealed[_HEADER:], bound_to).decode()
        except InvalidTag:
            raise SecretUnreadableError(
                f"{where} was changed or moved since it was sealed.",
                hint="Log in again or store the value again.",
            ) from None

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """A keyed hash that only this desk can make; each purpose has a key of its own."""
        key = hmac.digest(self._keys[self._active], b"munshi/" + purpose.encode(), "sha256")
        return hmac.digest(key, message, "sha256")

    def make_canary(self) -> Sealed:
        return self.seal(_CANARY, table="VaultKeys", column="canary", row_id=self._active)

    def check_canary(self, sealed: bytes, *, key_id: str) -> None:
        """Prove that we hold the key which sealed this database.

        Raises VaultKeyInvalidError.
        """
        try:
            self.unseal(sealed, table="VaultKeys", column="canary", row_id=key_id)
        except SecretUnreadableError:
            raise VaultKeyInvalidError(
                f"The secrets in this database were sealed with key {key_id}, "
                "and the key at hand is another one.",
                hint=f"Put the right {KEY_FILE} back into MUNSHI_HOME.",
            ) from None


def _associated_data(table: str, column: str, row_id: str, key_id: str) -> bytes:
    parts = (str(FORMAT_VERSION), table, column, row_id, key_id)
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


class KeyFile:
    """`vault.key` in the home folder: readable by its owner alone, or refused."""

    def __init__(self, home: Path) -> None:
        self.path = home / KEY_FILE

    def read(self) -> KeyRing | None:
        """The ring, or None where no file exists.

        Raises VaultKeyInvalidError if others may read the file or it is damaged.
        """
        if not self.path.exists():
            return None
        if not is_private(self.path):
            raise VaultKeyInvalidError(
                f"{self.path} can be read by others, so it is not used.",
                hint=f"chmod 600 {self.path}",
            )
        try:
            document = json.loads(self.path.read_text("utf-8"))
            keys = {k: base64.b64decode(v, validate=True) for k, v in document["keys"].items()}
            ring = KeyRing(active=document["active"], keys=keys)
            _check_ring(ring)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise VaultKeyInvalidError(
                f"{self.path} is damaged.", hint="Restore it from your copy."
            ) from None
        return ring

    def create(self) -> KeyRing:
        """Make a key once, however many processes start together."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            existing = self.read()
            if existing is not None:
                return existing
            ring = new_ring()
            document = {
                "active": ring.active,
                "keys": {k: base64.b64encode(v).decode() for k, v in ring.keys.items()},
            }
            write_private(self.path, json.dumps(document).encode())
            return ring


def new_ring() -> KeyRing:
    key_id = secrets.token_hex(KEY_ID_BYTES)
    return KeyRing(active=key_id, keys={key_id: secrets.token_bytes(KEY_BYTES)})


def ring_from_text(text: str) -> KeyRing:
    """The ring of MUNSHI_MASTER_KEY, `KEYID:BASE64` or bare base64 of 32 bytes.

    Raises VaultKeyInvalidError.
    """
    key_id, colon, encoded = text.strip().rpartition(":")
    try:
        ring = KeyRing(
            active=key_id if colon else "00" * KEY_ID_BYTES,
            keys={
                key_id if colon else "00" * KEY_ID_BYTES: base64.b64decode(encoded, validate=True)
            },
        )
        _check_ring(ring)
    except ValueError:
        raise VaultKeyInvalidError(
            "MUNSHI_MASTER_KEY is not the base64 text of 32 bytes.",
            hint="Unset it to use the key file.",
        ) from None
    return ring


def _check_ring(ring: KeyRing) -> None:
    if ring.active not in ring.keys:
        raise ValueError("the active key is missing")
    for key_id, key in ring.keys.items():
        if len(bytes.fromhex(key_id)) != KEY_ID_BYTES or len(key) != KEY_BYTES:
            raise ValueError("a key has the wrong size")
