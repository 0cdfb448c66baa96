"""A copy of the master keys that a passphrase seals: argon2id, then AES-256-GCM."""

import base64
import json
import secrets
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from munshi.errors import KeyBackupInvalidError, PassphraseWeakError
from munshi.infrastructure.security.binding import KEY_BYTES, NONCE_BYTES
from munshi.infrastructure.security.master_keys import KeyRing, ring_from_json, ring_to_json

FORMAT = "munshi-keys"
VERSION = 1
SHORTEST_PASSPHRASE = 12
FEWEST_LETTERS = 6
# RFC 9106, second recommended option.
_COST = {"iterations": 3, "lanes": 4, "memory_kib": 65_536}
# What a foreign file may make us spend.
_MOST = {"iterations": 20, "lanes": 16, "memory_kib": 1_048_576}
_SALT_BYTES = 16


def check_passphrase(passphrase: str) -> None:
    """Raises PassphraseWeakError."""
    if len(passphrase) < SHORTEST_PASSPHRASE or len(set(passphrase)) < FEWEST_LETTERS:
        raise PassphraseWeakError(
            f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters, "
            f"{FEWEST_LETTERS} of them different.",
            hint="Five or six words that nobody else would put together do well.",
        )


def seal_backup(ring: KeyRing, passphrase: str, *, now: datetime) -> bytes:
    """The file's content. About a tenth of a second and 64 MiB, on purpose.

    Raises PassphraseWeakError.
    """
    check_passphrase(passphrase)
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "created_at": now.isoformat(),
        "key_ids": sorted(ring.keys),
        "kdf": {"name": "argon2id", "salt": _text(secrets.token_bytes(_SALT_BYTES)), **_COST},
        "cipher": "AES-256-GCM",
        "nonce": _text(secrets.token_bytes(NONCE_BYTES)),
    }
    cipher = AESGCM(_derive(header["kdf"], passphrase))
    nonce = base64.b64decode(header["nonce"])
    sealed = cipher.encrypt(nonce, ring_to_json(ring).encode(), _spelled(header))
    return (json.dumps({**header, "sealed": _text(sealed)}, indent=2) + "\n").encode()


def open_backup(content: bytes, passphrase: str) -> KeyRing:
    """Raises KeyBackupInvalidError: a wrong passphrase, a changed file, another kind of file."""
    try:
        document = json.loads(content)
        sealed = base64.b64decode(document.pop("sealed"), validate=True)
        _check_format(document)
        key = _derive(document["kdf"], passphrase)
        nonce = base64.b64decode(document["nonce"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeyBackupInvalidError(
            "This file is not a copy that munshi keys backup made, or it is damaged."
        ) from None
    try:
        return ring_from_json(AESGCM(key).decrypt(nonce, sealed, _spelled(document)).decode())
    except (InvalidTag, ValueError):
        raise KeyBackupInvalidError(
            "The copy does not open: the passphrase is another one, or the file was changed."
        ) from None


def _check_format(document: dict[str, Any]) -> None:
    if document["format"] != FORMAT or document["version"] != VERSION:
        raise ValueError("another format")


def _derive(kdf: dict[str, Any], passphrase: str) -> bytes:
    cost = {name: int(kdf[name]) for name in _COST}
    if kdf["name"] != "argon2id" or any(not 1 <= cost[name] <= _MOST[name] for name in _COST):
        raise ValueError("another way of making a key")
    try:
        argon = Argon2id(
            salt=base64.b64decode(kdf["salt"], validate=True),
            length=KEY_BYTES,
            iterations=cost["iterations"],
            lanes=cost["lanes"],
            memory_cost=cost["memory_kib"],
        )
    except UnsupportedAlgorithm:
        raise KeyBackupInvalidError(
            "The cryptography library here cannot do argon2id.",
            hint="Install its wheel from the package index.",
        ) from None
    return argon.derive(passphrase.encode())


def _spelled(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
