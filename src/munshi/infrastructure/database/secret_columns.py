"""Which columns hold secrets, by the tables themselves."""

from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.types import Secret


def secret_column_names() -> frozenset[str]:
    """The name of every column, in whatever table, that takes only what the vault has sealed."""
    return frozenset(
        column.name
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Secret)
    )
