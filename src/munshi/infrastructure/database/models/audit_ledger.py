"""The audit ledger: blocks for ever, who signs them, who seals, and what is archived."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import (
    Digest,
    Instant,
    Name,
    Octets,
    Secret,
    Whole,
)

audit_blocks = table(
    "AuditBlocks",
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("first_position", Whole, nullable=False),
    Column("row_count", Whole, nullable=False),
    # Packed: eight bytes an id, 32 a leaf, in the order in which the rows were sealed.
    Column("ids", Octets, nullable=False),
    Column("leaves", Octets, nullable=False),
    Column("root", Digest, nullable=False),
    Column("previous_hash", Digest, nullable=False),
    Column("block_hash", Digest, nullable=False),
    Column("signature", Octets, nullable=False),
    Column("key_id", Name(16), nullable=False),
    Column("sealed_at", Instant, nullable=False),
    # Where the next block goes on, within the era of one server's transaction count.
    Column("era", Whole, nullable=False),
    Column("last_transaction", Whole, nullable=False),
    Column("last_id", Whole, nullable=False),
    Index("uq_AuditBlocks_first_position", "first_position", unique=True),
)

audit_keys = table(
    "AuditKeys",
    Column("key_id", Name(16), primary_key=True),
    Column("public_key", Octets, nullable=False),
    Column("private_key", Secret, nullable=False),
    Column("created_at", Instant, nullable=False),
)

audit_sealer = table(
    "AuditSealer",
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("ledger_id", Name(32), nullable=False),
    Column("era", Whole, nullable=False),
    Column("server", Name(64), nullable=False),
    Column("floor_id", Whole, nullable=False),
    Column("holder", Name(100)),
    Column("lease_until", Instant),
    # Who is at work on the archives, one at a time.
    Column("archivist", Name(100)),
    Column("archivist_until", Instant),
    CheckConstraint("id = 1", name="single"),
)

audit_archives = table(
    "AuditArchives",
    Column("name", Name(100), primary_key=True),
    Column("first_block", Whole, nullable=False),
    Column("last_block", Whole, nullable=False),
    Column("first_id", Whole, nullable=False),
    Column("last_id", Whole, nullable=False),
    Column("rows", Whole, nullable=False),
    Column("sha256", Name(64), nullable=False),
    Column("state", Name(20), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # Set when retention drops the archive: a record that only the vault's owner can sign.
    Column("dropped_at", Instant),
    Column("key_id", Name(16)),
    Column("signature", Octets),
    Index("uq_AuditArchives_first_block", "first_block", unique=True),
)
