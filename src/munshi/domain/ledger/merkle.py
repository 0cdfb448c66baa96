"""Merkle trees as RFC 6962 (2.1) has them: SHA-256, leaves behind a zero byte, nodes behind a one.

`leaves` are leaf hashes, 32 bytes each; a row's is made by `domain.audit.leaf_hash`.
"""

from collections.abc import Sequence
from hashlib import sha256

NODE_PREFIX = b"\x01"
EMPTY_ROOT = sha256(b"").digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over `leaves`."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        # An odd one out moves up as it is: the same tree as the RFC's, split at powers of two.
        paired = [
            sha256(NODE_PREFIX + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The sibling hashes from leaf `index` up to the root (RFC 6962, 2.1.1).

    Raises IndexError for a leaf that is not there.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        paired = [
            sha256(NODE_PREFIX + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level, index = paired, index // 2
    return path


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that `path` leads to from leaf `index` of `size`; None if it is no such path."""
    if not 0 <= index < size:
        return None
    node, siblings = leaf, iter(path)
    while size > 1:
        if index ^ 1 < size:
            sibling = next(siblings, None)
            if sibling is None:
                return None
            pair = sibling + node if index % 2 else node + sibling
            node = sha256(NODE_PREFIX + pair).digest()
        index, size = index // 2, (size + 1) // 2
    return node if next(siblings, None) is None else None
