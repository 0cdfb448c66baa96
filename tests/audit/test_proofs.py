"""Proofs and checkpoints stand alone, and whatever is changed in one is refused."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit.signed_notes import NoteRefusedError, open_note, read_tree_head
from clocks import FakeClock
from databases import FRIDAY_TEN_IST, migrate_template, open_database
from munshi.audit.ledger_service import LedgerService
from munshi.audit.proofs import check_checkpoint, check_proof
from munshi.cli.audit_proof import check_proof as check_proof_file
from munshi.domain.audit import Actor
from munshi.domain.ledger.blocks import MOST_ROWS
from munshi.domain.ledger.checkpoints import (
    Checkpoint,
    Proof,
    checkpoint_body,
    key_fingerprint,
    read_checkpoint,
)
from munshi.errors import CheckpointInvalidError, ProofInvalidError
from munshi.infrastructure.security.signing import SigningKey

ROWS = MOST_ROWS + 7
ASHA = Actor(user_id="asha", ip_address="192.0.2.7", request_id="r1")
REFUSED = (ProofInvalidError, CheckpointInvalidError)
LEDGER_IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
HASHES = st.binary(min_size=32, max_size=32)
COUNTS = st.integers(0, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A trail of two blocks whose database is gone; the proofs are as the file has them."""

    proofs: dict[int, bytes]
    checkpoint: Checkpoint

    def proof(self, audit_id: int) -> Any:  # noqa: ANN401 - a document
        return json.loads(self.proofs[audit_id])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    home = tmp_path_factory.mktemp("sealed")
    url = f"sqlite:///{home}/munshi.db"
    migrate_template(url)
    database = open_database(url)
    clock = FakeClock(FRIDAY_TEN_IST)
    with database.transaction() as tx:
        for number in range(ROWS):
            tx.audit.log("job", "created", entity_id=f"row {number} é", actor=ASHA, now=clock.now())
    service = LedgerService(database, clock, home=home)
    service.seal()
    proofs = {
        audit_id: json.dumps(
            service.prove(audit_id).to_json(), indent=2, ensure_ascii=False
        ).encode()
        for audit_id in range(1, ROWS + 1)
    }
    checkpoint = service.checkpoint()
    database.close()
    (home / "munshi.db").unlink()
    return Sealed(proofs, checkpoint)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof") / "proof.json"


def test_the_proof_of_any_row_holds_without_a_database(sealed: Sealed) -> None:
    fingerprint = key_fingerprint(sealed.checkpoint.public_key)
    for audit_id in range(1, ROWS + 1):
        proof = Proof.from_json(sealed.proof(audit_id))

        check_proof(proof, key=fingerprint)

        assert json.loads(proof.canonical)["entity_id"] == f"row {audit_id - 1} é"


def test_a_proof_of_another_key_than_the_one_asked_for_is_refused(sealed: Sealed) -> None:
    proof = Proof.from_json(sealed.proof(1))

    with pytest.raises(CheckpointInvalidError, match="was signed with key"):
        check_proof(proof, key="0" * 16)


@given(data=st.data(), row=st.sampled_from([1, 2, 255, MOST_ROWS, MOST_ROWS + 1, ROWS]))
def test_a_proof_file_with_any_byte_changed_is_refused(
    sealed: Sealed, file: Path, data: st.DataObject, row: int
) -> None:
    whole = sealed.proofs[row]
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(changed)

    # Another space between the words of JSON says the same.
    if means_the_same(bytes(changed), whole):
        check_proof_file(file, key=None, as_json=True)
    else:
        with pytest.raises(REFUSED):
            check_proof_file(file, key=None, as_json=True)


@given(data=st.data())
def test_a_proof_with_any_bit_of_a_value_changed_is_refused(
    sealed: Sealed, data: st.DataObject
) -> None:
    document = sealed.proof(data.draw(st.sampled_from([1, MOST_ROWS, ROWS])))
    holder, name = data.draw(st.sampled_from(places_in(document)))
    value = holder[name]
    if isinstance(value, int):
        holder[name] = value ^ 1 << data.draw(st.integers(0, 63))
    else:
        place = data.draw(st.integers(0, len(value) - 1))
        letter = chr(ord(value[place]) ^ 1 << data.draw(st.integers(0, 6)))
        holder[name] = value[:place] + letter + value[place + 1 :]

    with pytest.raises(REFUSED):
        check_proof(Proof.from_json(document))


WRONG: list[Any] = [None, True, 1.5, 1.0, "", "1", -1, 2**70, [], {}, float("inf"), "\ud800"]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_proof_with_something_else_in_any_place_is_refused(sealed: Sealed, value: Any) -> None:  # noqa: ANN401
    for number in range(len(places_in(sealed.proof(ROWS)))):
        document = sealed.proof(ROWS)
        holder, name = places_in(document)[number]
        was = holder[name]
        holder[name] = value

        with pytest.raises(REFUSED):
            check_proof(Proof.from_json(document))
        assert (type(was), was) != (type(value), value)


def test_a_proof_that_lacks_or_adds_anything_is_refused(sealed: Sealed) -> None:
    whole = sealed.proof(2)
    lacking = [{k: v for k, v in whole.items() if k != name} for name in whole]
    block = whole["block"]
    lacking += [{**whole, "block": {k: v for k, v in block.items() if k != name}} for name in block]
    paths = [whole["path"][:-1], whole["path"][::-1], [*whole["path"], "00" * 32]]
    added = [{**whole, "more": 1}, {**whole, "block": {**block, "more": 1}}]
    changed = [*lacking, *({**whole, "path": path} for path in paths), *added]

    documents: list[object] = [*changed, [], None, 7, "proof"]
    for document in documents:
        with pytest.raises(REFUSED):
            check_proof(Proof.from_json(document))


def test_the_proof_of_one_row_does_not_prove_another(sealed: Sealed) -> None:
    one, other, far = (sealed.proof(row) for row in (1, 2, ROWS))
    for name in ("row", "audit_id", "index", "path"):
        with pytest.raises(ProofInvalidError):
            check_proof(Proof.from_json({**one, name: other[name]}))
    for name in ("block", "checkpoint"):
        with pytest.raises(ProofInvalidError):
            check_proof(Proof.from_json({**one, name: far[name]}))


def test_a_time_of_sealing_that_means_the_same_but_is_spelt_otherwise_is_refused(
    sealed: Sealed,
) -> None:
    document = sealed.proof(1)
    document["block"]["sealed_at"] = document["block"]["sealed_at"].replace("Z", "+00:00")

    with pytest.raises(ProofInvalidError, match="damaged"):
        check_proof(Proof.from_json(document))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000, b"nonsense", b"1e999"])
def test_a_file_that_is_no_proof_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    with pytest.raises(ProofInvalidError, match="no proof of an audit row"):
        check_proof_file(file, key=None, as_json=True)


# --- checkpoints ---------------------------------------------------------------------------


@given(ledger_id=LEDGER_IDS, number=COUNTS, size=COUNTS, block_hash=HASHES)
def test_a_checkpoint_reads_as_it_was_written_and_others_verify_it(
    ledger_id: str, number: int, size: int, block_hash: bytes
) -> None:
    taken = signed(ledger_id, number=number, size=size, block_hash=block_hash)

    again = read_checkpoint(taken.text())
    head = read_tree_head(
        open_note(taken.text().encode(), name=f"munshi.audit/{ledger_id}", key=taken.public_key)
    )

    check_checkpoint(again, key=key_fingerprint(taken.public_key))
    assert again == taken
    assert (head.origin, head.size, head.root) == (f"munshi.audit/{ledger_id}", size, block_hash)
    assert head.extensions[0] == f"block {number}"


def test_the_exported_checkpoint_is_a_signed_note_as_others_read_it(sealed: Sealed) -> None:
    taken = sealed.checkpoint

    text = open_note(
        taken.text().encode(), name=f"munshi.audit/{taken.ledger_id}", key=taken.public_key
    )

    assert read_tree_head(text).size == ROWS
    assert read_tree_head(text).root == taken.block_hash


def test_the_reading_of_notes_in_these_tests_takes_the_example_of_the_specification() -> None:
    """The checkpoint in tlog-checkpoint.md; the page does not give its key."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\N{EM DASH} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4U"
        "RYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )

    head = read_tree_head(note.partition("\n\n")[0] + "\n")

    assert (head.origin, head.size, len(head.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    with pytest.raises(NoteRefusedError, match="no signature of a known key"):
        open_note(note.encode(), name="example.com/behind-the-sofa", key=bytes(32))


@given(place=st.integers(0), change=st.integers(1, 255))
@example(place=-1, change=2)
def test_a_checkpoint_with_any_byte_changed_is_refused_by_us_and_by_others(
    sealed: Sealed, place: int, change: int
) -> None:
    taken = sealed.checkpoint
    changed = bytearray(taken.text().encode())
    changed[place % len(changed)] ^= change

    with pytest.raises((CheckpointInvalidError, UnicodeDecodeError)):
        check_checkpoint(read_checkpoint(changed.decode()))
    with pytest.raises(NoteRefusedError):
        open_note(bytes(changed), name=f"munshi.audit/{taken.ledger_id}", key=taken.public_key)


@given(st.text())
@example("")
@example("\n" * 6)
@example("munshi.audit/a\n" + "9" * 5000 + "\n\nblock 1\nkey \n\n\N{EM DASH} munshi.audit/a AAAA\n")
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointInvalidError, match="no checkpoint"):
        read_checkpoint(text)


def test_a_checkpoint_with_lines_taken_away_doubled_or_swapped_is_refused(sealed: Sealed) -> None:
    lines = sealed.checkpoint.text().splitlines(keepends=True)
    for number in range(len(lines)):
        shorter = [*lines[:number], *lines[number + 1 :]]
        longer = [*lines[:number], lines[number], *lines[number:]]
        swapped = [*lines[1 : number + 1], lines[0], *lines[number + 1 :]]
        for changed in (shorter, longer, *([swapped] if number else [])):
            with pytest.raises(CheckpointInvalidError):
                read_checkpoint("".join(changed))


def test_a_checkpoint_that_somebody_else_signed_is_refused_where_the_key_is_known(
    sealed: Sealed,
) -> None:
    ours = sealed.checkpoint
    forged = signed(ours.ledger_id, number=2, size=ROWS, block_hash=bytes(32))

    check_checkpoint(forged)
    with pytest.raises(CheckpointInvalidError, match="was signed with key"):
        check_checkpoint(forged, key=key_fingerprint(ours.public_key))


def means_the_same(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one.decode()) == json.loads(other))
    except ValueError:
        return False


def signed(ledger_id: str, *, number: int, size: int, block_hash: bytes) -> Checkpoint:
    key = SigningKey.new()
    body = checkpoint_body(
        ledger_id, number=number, size=size, block_hash=block_hash, public_key=key.public
    )
    return Checkpoint(
        ledger_id=ledger_id,
        number=number,
        size=size,
        block_hash=block_hash,
        public_key=key.public,
        signature=key.sign(body),
    )


def places_in(document: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - a document
    """Every value with what holds it, of objects and lists alike."""
    inner = [(document, name) for name in document if name not in {"block", "path"}]
    block = [(document["block"], name) for name in document["block"]]
    return inner + block + [(document["path"], n) for n in range(len(document["path"]))]
