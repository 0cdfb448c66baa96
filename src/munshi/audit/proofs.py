"""Checks proofs and checkpoints with nothing at hand but the file: no database, no vault."""

from datetime import datetime

from munshi.domain.audit import leaf_hash
from munshi.domain.ledger.blocks import hash_of_block, spell_instant, unpack_ids
from munshi.domain.ledger.checkpoints import Checkpoint, Proof, key_fingerprint
from munshi.errors import CheckpointInvalidError, ProofInvalidError
from munshi.infrastructure.security.signing import is_signed


def check_checkpoint(checkpoint: Checkpoint, *, key: str | None = None) -> None:
    """Raise CheckpointInvalidError unless it is signed, by `key` (a fingerprint) if given."""
    if key is not None and key_fingerprint(checkpoint.public_key) != key:
        raise CheckpointInvalidError(
            f"The checkpoint was signed with key {key_fingerprint(checkpoint.public_key)}, "
            f"not with {key}."
        )
    if not is_signed(checkpoint.body, checkpoint.signature, by=checkpoint.public_key):
        raise CheckpointInvalidError("The checkpoint's signature does not fit what it says.")


def check_proof(proof: Proof, *, key: str | None = None) -> None:
    """Raise ProofInvalidError or CheckpointInvalidError unless the row was sealed as it stands.

    Who made up the whole file also made up the key in it: compare its fingerprint, or give `key`.
    """
    check_checkpoint(proof.checkpoint, key=key)
    try:
        ids = unpack_ids(proof.block_ids)
        sealed_at = datetime.fromisoformat(proof.sealed_at)
        is_spelt_so = spell_instant(sealed_at) == proof.sealed_at
    except (ValueError, OverflowError):
        is_spelt_so = False
    if not is_spelt_so:
        raise _unproved("The block in the proof is damaged")
    if not 0 <= proof.index < len(ids) or ids[proof.index] != proof.audit_id:
        raise _unproved(f"The proof is of another row than {proof.audit_id}")
    if not proof.leads_to_root(leaf_hash(proof.canonical)):
        raise _unproved("The row is not what the block holds")
    block_hash = hash_of_block(
        proof.checkpoint.ledger_id,
        number=proof.checkpoint.number,
        first_position=proof.first_position,
        ids=proof.block_ids,
        root=proof.root,
        previous_hash=proof.previous_hash,
        sealed_at=sealed_at,
    )
    if block_hash != proof.checkpoint.block_hash:
        raise _unproved("The block is not the one that was signed")
    if proof.checkpoint.size != proof.first_position + len(ids):
        raise _unproved("The checkpoint is of another size than the block")


def _unproved(what: str) -> ProofInvalidError:
    return ProofInvalidError(f"{what}, so nothing is proved.")
