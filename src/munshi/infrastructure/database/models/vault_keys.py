"""VaultKeys: which keys sealed this database's secrets, each with a canary only it can open."""

from sqlalchemy import Column

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Secret

vault_keys = table(
    "VaultKeys",
    Column("key_id", Name(40), primary_key=True),
    Column("canary", Secret, nullable=False),
    Column("created_at", Instant, nullable=False),
)
