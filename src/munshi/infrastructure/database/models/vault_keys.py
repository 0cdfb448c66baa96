"""VaultKeys: the master keys that sealed this database, each with a canary only it can open."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Flag, Instant, Name, Octets

vault_keys = table(
    "VaultKeys",
    Column("key_id", Name(40), primary_key=True),
    Column("canary", Octets, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Empty for a key of before places were remembered, until the database is next opened.
    Column("source", Name(20)),
    Column("is_active", Flag, nullable=False),
    Column("retired_at", Instant),
    # However many processes start on a new database, one key seals it.
    Index(
        "uq_VaultKeys_active",
        "is_active",
        unique=True,
        **where("is_active = 1", postgresql="is_active"),
    ),
)
