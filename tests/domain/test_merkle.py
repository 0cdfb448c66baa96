"""Merkle trees against the RFC's own definition and its published vectors."""

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.audit import leaf_hash
from munshi.domain.ledger.merkle import EMPTY_ROOT, inclusion_path, merkle_root, root_of_path

# The inputs and roots of the reference implementation's tests of RFC 6962.
INPUTS = (
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
)
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_the_published_roots_come_out(size: int) -> None:
    assert merkle_root(LEAVES[:size]).hex() == ROOTS[size]


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    empty = base64.b64encode(EMPTY_ROOT).decode()

    assert merkle_root([]) == EMPTY_ROOT
    assert empty == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=300))
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == by_definition(leaves)


@given(st.integers(1, 270), st.data())
def test_a_path_leads_from_its_leaf_to_the_root_and_from_no_other(
    size: int, data: st.DataObject
) -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    root = merkle_root(leaves)

    path = inclusion_path(leaves, index)

    assert root_of_path(leaves[index], index, size, path) == root
    assert root_of_path(leaf_hash(b"other"), index, size, path) != root
    assert root_of_path(leaves[index], index, size, [*path, leaves[0]]) is None
    if path:
        assert root_of_path(leaves[index], index, size, path[:-1]) is None
    if size > 1:
        other = (index + 1) % size
        assert root_of_path(leaves[index], other, size, path) != root


def test_there_is_no_path_for_a_leaf_that_is_not_there() -> None:
    with pytest.raises(IndexError):
        inclusion_path(LEAVES, 8)
    assert root_of_path(LEAVES[0], 8, 8, []) is None
