"""Master keys: they wrap data keys, and nothing else is encrypted with them."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from munshi.errors import VaultKeyInvalidError
from munshi.infrastructure.security.binding import KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES, bind

_CANARY = b"munshi canary"
_CANARY_VERSION = 1
_CANARY_HEADER = 1 + KEY_ID_BYTES
_WRAPPED_AS = "munshi data key 1"
_UNNAMED = "00" * KEY_ID_BYTES


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Master keys by id. The database says which of them is in force; `active` is for a new one."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)

    def joined(self, other: "KeyRing") -> "KeyRing":
        """Both rings' keys, with `other`'s active one."""
        return KeyRing(active=other.active, keys={**self.keys, **other.keys})

    def alone(self, key_id: str) -> "KeyRing":
        return KeyRing(active=key_id, keys={key_id: self.keys[key_id]})


def new_ring() -> KeyRing:
    key_id = secrets.token_hex(KEY_ID_BYTES)
    return KeyRing(active=key_id, keys={key_id: secrets.token_bytes(KEY_BYTES)})


def ring_to_json(ring: KeyRing) -> str:
    keys = {key_id: base64.b64encode(key).decode() for key_id, key in ring.keys.items()}
    return json.dumps({"active": ring.active, "keys": keys})


def ring_from_json(text: str) -> KeyRing:
    """Raises ValueError, which says nothing of the text."""
    try:
        document = json.loads(text)
        keys = {k: base64.b64decode(v, validate=True) for k, v in document["keys"].items()}
        ring = KeyRing(active=document["active"], keys=keys)
        _check_ring(ring)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("not a ring of keys") from None
    return ring


def ring_from_text(text: str) -> KeyRing:
    """The ring of MUNSHI_MASTER_KEY: `KEYID:BASE64` or bare base64 of 32 bytes.

    Several are parted by commas, the newest first; that is how this key is changed without a
    moment in which no process could start. Raises VaultKeyInvalidError.
    """
    try:
        pairs = [_read_pair(each) for each in text.split(",")]
        ring = KeyRing(active=pairs[0][0], keys=dict(reversed(pairs)))
        _check_ring(ring)
    except ValueError:
        raise VaultKeyInvalidError(
            "MUNSHI_MASTER_KEY is not the base64 text of 32 bytes.",
            hint="Several keys are parted by commas and need an id each: KEYID:BASE64.",
        ) from None
    return ring


def _read_pair(text: str) -> tuple[str, bytes]:
    key_id, colon, encoded = text.strip().rpartition(":")
    return (key_id if colon else _UNNAMED), base64.b64decode(encoded, validate=True)


def wrap_key(data_key: bytes, *, purpose: str, key_id: str, master_id: str, master: bytes) -> bytes:
    """`data_key` as it is stored: nonce, ciphertext with tag."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    bound_to = bind(_WRAPPED_AS, purpose, key_id, master_id)
    return nonce + AESGCM(master).encrypt(nonce, data_key, bound_to)


def unwrap_key(
    wrapped: bytes, *, purpose: str, key_id: str, master_id: str, master: bytes
) -> bytes:
    """Raises VaultKeyInvalidError if the row was changed, moved or wrapped by another key."""
    bound_to = bind(_WRAPPED_AS, purpose, key_id, master_id)
    try:
        return AESGCM(master).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise VaultKeyInvalidError(
            f"Data key {key_id} ({purpose}) was changed since master key {master_id} wrapped it.",
            hint="Restore the database from a copy; nothing was written.",
        ) from None


def make_canary(ring: KeyRing, key_id: str) -> bytes:
    """A known text that only the master key `key_id` opens."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    body = AESGCM(ring.keys[key_id]).encrypt(nonce, _CANARY, _canary_bound_to(key_id))
    return bytes([_CANARY_VERSION]) + bytes.fromhex(key_id) + nonce + body


def opens_canary(ring: KeyRing, canary: bytes, *, key_id: str) -> bool:
    """Whether the ring holds the very key `key_id` that made the canary."""
    key = ring.keys.get(key_id)
    if key is None or canary[:_CANARY_HEADER] != bytes([_CANARY_VERSION]) + bytes.fromhex(key_id):
        return False
    nonce = canary[_CANARY_HEADER : _CANARY_HEADER + NONCE_BYTES]
    body = canary[_CANARY_HEADER + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, _canary_bound_to(key_id)) == _CANARY
    except (InvalidTag, ValueError):
        return False


def _canary_bound_to(key_id: str) -> bytes:
    return bind(str(_CANARY_VERSION), "VaultKeys", "canary", key_id, key_id)


def _check_ring(ring: KeyRing) -> None:
    if ring.active not in ring.keys:
        raise ValueError("the active key is missing")
    for key_id, key in ring.keys.items():
        if len(bytes.fromhex(key_id)) != KEY_ID_BYTES or len(key) != KEY_BYTES:
            raise ValueError("a key has the wrong size")
