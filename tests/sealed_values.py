"""Every secret that a desk keeps, in clear: what must be found nowhere else."""

from collections.abc import Iterator

from sqlalchemy import Column, Table, inspect, select

from munshi.bootstrap import Services
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.types import Secret


def secret_columns() -> Iterator[tuple[Table, Column[object]]]:
    """The columns that the vault seals, but for its own."""
    for table in metadata.sorted_tables:
        if table.name != "VaultKeys":
            yield from ((table, each) for each in table.columns if isinstance(each.type, Secret))


def sealed_values(services: Services) -> set[str]:
    """What stands in the secret columns of the desk's database, unsealed."""
    found: set[str] = set()
    with services.database.connected() as connection:
        present = inspect(connection).get_table_names()  # a test may be at an older revision
        for table, column in secret_columns():
            if table.name not in present:
                continue
            [key] = table.primary_key.columns
            rows = connection.execute(select(key, column).where(column.is_not(None)))
            found |= {
                services.vault.unseal(sealed, table=table.name, column=column.name, row_id=row_id)
                for row_id, sealed in rows
            }
    return found
