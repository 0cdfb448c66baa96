"""Ed25519 signatures (RFC 8032)."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class SigningKey:
    """A private key; `public` is its other half, 32 bytes."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    @classmethod
    def new(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_text(cls, text: str) -> "SigningKey":
        """The key that `to_text` spelt. Raises ValueError for anything else."""
        return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True)))

    def to_text(self) -> str:
        """The private key, to be sealed."""
        return base64.b64encode(self._private.private_bytes_raw()).decode()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def is_signed(message: bytes, signature: bytes, *, by: bytes) -> bool:
    """Whether `signature` is the public key `by`'s over `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(by).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
