"""Every secret that a desk keeps, in clear: what must be found nowhere else."""

import secrets
from collections.abc import Iterator
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Table, inspect, select

from munshi.bootstrap import Services
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.types import Secret
from munshi.infrastructure.security.binding import bind
from munshi.infrastructure.security.master_keys import KeyRing
from munshi.infrastructure.security.vault import Sealed


def secret_columns() -> Iterator[tuple[Table, Column[object]]]:
    """The columns that the vault seals."""
    for table in metadata.sorted_tables:
        yield from ((table, each) for each in table.columns if isinstance(each.type, Secret))


def sealed_values(services: Services) -> set[str]:
    """What stands in the secret columns of the desk's database, unsealed."""
    found: set[str] = set()
    with services.database.connected() as connection:
        there = set(inspect(connection).get_table_names())  # a test may have gone back
        for table, column in secret_columns():
            if table.name not in there:
                continue
            [key] = table.primary_key.columns
            rows = connection.execute(select(key, column).where(column.is_not(None)))
            found |= {
                services.vault.unseal(sealed, table=table.name, column=column.name, row_id=row_id)
                for row_id, sealed in rows
            }
    return found


def seal_as_format_1(ring: KeyRing, value: str, *, table: str, column: str, row_id: UUID) -> Sealed:
    """As versions before data keys did: with the master key itself."""
    nonce = secrets.token_bytes(12)
    bound_to = bind("1", table, column, str(row_id), ring.active)
    body = AESGCM(ring.keys[ring.active]).encrypt(nonce, value.encode(), bound_to)
    return Sealed(b"\1" + bytes.fromhex(ring.active) + nonce + body)
