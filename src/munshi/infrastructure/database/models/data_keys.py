"""DataKeys: what seals secrets, one active key a purpose, each wrapped by a master key."""

from sqlalchemy import Column, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Instant, Name, Octets

data_keys = table(
    "DataKeys",
    Column("key_id", Name(40), primary_key=True),
    Column("purpose", Name(40), nullable=False),
    Column("master_key_id", Name(40), nullable=False),
    Column("wrapped_key", Octets, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Index("uq_DataKeys_active", "purpose", unique=True, **where("retired_at IS NULL")),
)
