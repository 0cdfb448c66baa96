"""The bytes of an audit row: one spelling for ever, and commitments that say nothing alone."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from munshi.domain.audit import canonical_bytes, commitment, leaf_hash

ROW = {
    "timestamp": datetime(2026, 11, 20, 10, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    "entity_type": "config",
    "new_value": {"b": [1, True, None], "a": "तेजी"},
    "version": 1,
}


def test_a_row_has_the_spelling_it_always_had() -> None:
    expected = (
        '{"entity_type":"config","new_value":{"a":"तेजी","b":[1,true,null]},'
        '"timestamp":"2026-11-20T04:30:00.000000Z","version":1}'
    )

    assert canonical_bytes(ROW).decode() == expected


def test_the_order_in_which_fields_were_given_does_not_matter() -> None:
    assert canonical_bytes(dict(reversed(ROW.items()))) == canonical_bytes(ROW)


def test_early_years_are_spelled_with_four_digits() -> None:
    document = {"at": datetime(987, 1, 1, tzinfo=UTC)}

    assert canonical_bytes(document) == b'{"at":"0987-01-01T00:00:00.000000Z"}'


@pytest.mark.parametrize("value", [1.0, {"a": 0.5}, [0.5], {"a": [{"b": (1, 2.5)}]}])
def test_a_float_is_refused_wherever_it_stands(value: object) -> None:
    with pytest.raises(TypeError, match="float"):
        canonical_bytes({"value": value})


def test_a_leaf_is_hashed_behind_a_zero_byte() -> None:
    assert leaf_hash(b"row") == hashlib.sha256(b"\x00row").digest()
    assert leaf_hash(b"row") != hashlib.sha256(b"row").digest()


def test_a_commitment_depends_on_salt_field_and_value() -> None:
    made = {
        commitment("ip_address", "10.0.0.1", salt=b"a" * 32),
        commitment("ip_address", "10.0.0.2", salt=b"a" * 32),
        commitment("user_name", "10.0.0.1", salt=b"a" * 32),
        commitment("ip_address", "10.0.0.1", salt=b"b" * 32),
        commitment("ip_address1", "0.0.0.1", salt=b"a" * 32),
    }

    assert len(made) == 5
    assert (
        commitment("x", "y", salt=b"s")
        == hashlib.sha256(b"\0\0\0\x01s\0\0\0\x01x\0\0\0\x01y").hexdigest()
    )
