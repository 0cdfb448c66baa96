"""Whether a row says what was hashed: another spelling is the same, another value is not."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.audit import canonical_bytes, leaf_hash
from munshi.domain.ledger.rows import TableRow, are_as_sealed

TEXTS = st.text(st.sampled_from('ab": ,\\{}[]1é\n'), max_size=12)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
AT = datetime(2026, 1, 1, 9, 15, tzinfo=UTC)


def as_sqlite(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def as_postgresql(value: object) -> str:
    """As jsonb is spelt: shorter keys first, a space behind each sign."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        spelt = (f"{as_sqlite(key)}: {as_postgresql(value[key])}" for key in keys)
        return f"{{{', '.join(spelt)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_postgresql, value))}]"
    return as_sqlite(value)


def row(*, old: Any, new: Any, entity_id: str | None, spell: Any = as_sqlite) -> TableRow:  # noqa: ANN401
    """As a driver has it."""
    said = {
        "action": "set",
        "details": None,
        "entity_id": entity_id,
        "entity_type": "config",
        "job_id": None,
        "new_value": new,
        "nonce": "0" * 32,
        "old_value": old,
        "personal": {"ip_address": "f" * 64},
        "request_id": "r1",
        "timestamp": AT,
        "user_id": "asha",
        "version": 2,
    }
    canonical = canonical_bytes(said)
    documents = (None if each is None else spell(each) for each in (new, old))
    at = "2026-01-01T09:15:00.000000Z"
    kept = (1, leaf_hash(canonical), canonical)
    return (*kept, "set", None, entity_id, "config", None, *documents, "r1", at, "asha")


def is_as_sealed(one: TableRow) -> bool:
    return are_as_sealed([one], (1,), (one[1],))


@given(old=VALUES, new=VALUES, entity_id=st.none() | TEXTS)
def test_both_databases_spellings_of_a_row_are_what_was_sealed(
    old: object, new: object, entity_id: str | None
) -> None:
    for spell in (as_sqlite, as_postgresql):
        assert is_as_sealed(row(old=old, new=new, entity_id=entity_id, spell=spell))


@given(sealed=VALUES, shown=VALUES)
def test_no_other_document_is_taken_for_the_one_that_was_sealed(
    sealed: object, shown: object
) -> None:
    whole = row(old=None, new=sealed, entity_id="e")
    for spell in (as_sqlite, as_postgresql):
        changed = (*whole[:8], spell(shown), *whole[9:])
        assert is_as_sealed(changed) == (as_sqlite(shown) == as_sqlite(sealed))


@given(sealed=TEXTS, shown=TEXTS)
def test_no_other_text_is_taken_for_the_one_that_was_sealed(sealed: str, shown: str) -> None:
    whole = row(old=None, new={"a": sealed}, entity_id=sealed)

    changed = (*whole[:5], shown, *whole[6:])

    assert is_as_sealed(changed) == (shown == sealed)


def test_what_is_no_document_is_not_what_was_sealed() -> None:
    whole = row(old=None, new={"limit": 12}, entity_id="e")
    for shown in ('{"limit": 1 2}', '{"limit": 12', '{"limit": 12} ,', "", 12, b"{}"):
        assert not is_as_sealed((*whole[:8], shown, *whole[9:]))


def test_each_row_must_be_the_one_asked_for_and_have_its_leaf() -> None:
    one = row(old=None, new=1, entity_id="e")

    assert not are_as_sealed([one], (2,), (one[1],))
    assert not are_as_sealed([one], (1,), (b"x" * 32,))
    assert not are_as_sealed([(1, b"x" * 32, *one[2:])], (1,), (one[1],))
    assert not are_as_sealed([(1, one[1], None, *one[3:])], (1,), (one[1],))
    assert not are_as_sealed([], (1,), (one[1],))
