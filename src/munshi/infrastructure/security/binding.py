"""Associated data: what a ciphertext is bound to, spelled so that no two places are alike."""

from functools import lru_cache
from uuid import UUID

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 8


def bind(*parts: str) -> bytes:
    """Each part behind its length, so that letters cannot move from one to the next."""
    return b"".join(_prefixed(part) for part in parts)


@lru_cache(maxsize=256)
def bind_column(version: int, table: str, column: str) -> bytes:
    """`bind`, remembered: the same few columns are asked for again and again."""
    return bind(str(version), table, column)


@lru_cache(maxsize=1024)
def bind_row(row_id: UUID | str) -> bytes:
    """`bind`, remembered: the logins in force are read all day."""
    return bind(str(row_id))


def _prefixed(part: str) -> bytes:
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded
