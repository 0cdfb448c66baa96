"""Checkpoints: the ledger's head as a signed note that anybody can keep.

The text is that of C2SP's tlog-checkpoint and signed-note: origin, size, hash, two lines of our
own (the block's number and the public key), an empty line, and a signature line. The hash is the
head of the chain of blocks, not the root of one tree over all rows.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from munshi.domain.ledger.merkle import root_of_path
from munshi.errors import CheckpointInvalidError, ProofInvalidError

_ED25519 = b"\x01"
_ORIGIN = "munshi.audit/"
_DASH = "\u2014"
PROOF_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is signed, and the signature."""

    ledger_id: str
    number: int
    size: int
    block_hash: bytes
    public_key: bytes
    signature: bytes

    @property
    def body(self) -> bytes:
        """The bytes that are signed."""
        return checkpoint_body(
            self.ledger_id,
            number=self.number,
            size=self.size,
            block_hash=self.block_hash,
            public_key=self.public_key,
        )

    def text(self) -> str:
        name = _ORIGIN + self.ledger_id
        signed = _note_hash(name, self.public_key) + self.signature
        return f"{self.body.decode()}\n{_DASH} {name} {_encode(signed)}\n"


def checkpoint_body(
    ledger_id: str, *, number: int, size: int, block_hash: bytes, public_key: bytes
) -> bytes:
    """The bytes that are signed when a block is sealed."""
    lines = (
        _ORIGIN + ledger_id,
        str(size),
        _encode(block_hash),
        f"block {number}",
        f"key {_encode(public_key)}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in `text`; its signature is not checked here.

    Raises CheckpointInvalidError.
    """
    try:
        origin, size, block_hash, block, key, empty, signed = text.strip("\n").split("\n")
        ledger_id = origin.removeprefix(_ORIGIN)
        word, number = block.split(" ")
        dash, name, blob = signed.split(" ")
        key_word, key_text = key.split(" ")
        public_key = _decode(key_text)
        signature = _decode(blob)
        checkpoint = Checkpoint(
            ledger_id=ledger_id,
            number=int(number),
            size=int(size),
            block_hash=_decode(block_hash),
            public_key=public_key,
            signature=signature[4:],
        )
        fits = (
            not empty
            and (word, dash, key_word) == ("block", _DASH, "key")
            and name == origin
            and signature[:4] == _note_hash(name, public_key)
            and checkpoint.text() == text.strip("\n") + "\n"
        )
    except (ValueError, binascii.Error):
        fits = False
    if not fits:
        raise CheckpointInvalidError(
            "This is no checkpoint of an audit trail.",
            hint="Use a file that `munshi audit checkpoint` wrote, as it stands.",
        )
    return checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a row stands at `index` of a block that a signed checkpoint ends with."""

    canonical: bytes
    audit_id: int
    index: int
    path: tuple[bytes, ...]
    block_ids: bytes
    root: bytes
    first_position: int
    previous_hash: bytes
    sealed_at: str
    checkpoint: Checkpoint

    def to_json(self) -> dict[str, Any]:
        return {
            "version": PROOF_VERSION,
            "row": self.canonical.decode(),
            "audit_id": self.audit_id,
            "index": self.index,
            "path": [each.hex() for each in self.path],
            "block": {
                "ids": self.block_ids.hex(),
                "root": self.root.hex(),
                "first_position": self.first_position,
                "previous_hash": self.previous_hash.hex(),
                "sealed_at": self.sealed_at,
            },
            "checkpoint": self.checkpoint.text(),
        }

    @classmethod
    def from_json(cls, raw: object) -> "Proof":
        """The proof that `to_json` spelt so, and in no other way.

        Raises ProofInvalidError, CheckpointInvalidError.
        """
        try:
            proof = cls._read(raw)
            # Python holds 1, 1.0 and True for the same; their JSON differs.
            is_spelt_so = _spelling(proof.to_json()) == _spelling(raw)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            is_spelt_so = False
        if not is_spelt_so:
            raise ProofInvalidError(
                "This is no proof of an audit row.",
                hint="Use a file that `munshi audit prove` wrote, as it stands.",
            )
        return proof

    @classmethod
    def _read(cls, raw: Any) -> "Proof":  # noqa: ANN401
        if raw["version"] != PROOF_VERSION:
            raise ValueError("another version")
        block: Mapping[str, Any] = raw["block"]
        return cls(
            canonical=raw["row"].encode(),
            audit_id=int(raw["audit_id"]),
            index=int(raw["index"]),
            path=tuple(bytes.fromhex(each) for each in raw["path"]),
            block_ids=bytes.fromhex(block["ids"]),
            root=bytes.fromhex(block["root"]),
            first_position=int(block["first_position"]),
            previous_hash=bytes.fromhex(block["previous_hash"]),
            sealed_at=str(block["sealed_at"]),
            checkpoint=read_checkpoint(raw["checkpoint"]),
        )

    def leads_to_root(self, leaf: bytes) -> bool:
        """Whether the path leads from `leaf` to the block's root."""
        size = len(self.block_ids) // 8
        return root_of_path(leaf, self.index, size, self.path) == self.root


def key_fingerprint(public_key: bytes) -> str:
    """How people tell keys apart: sixteen hex digits."""
    return sha256(public_key).hexdigest()[:16]


def _spelling(document: object) -> str:
    return json.dumps(document, sort_keys=True)


def _note_hash(name: str, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
