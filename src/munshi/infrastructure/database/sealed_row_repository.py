"""SQL for sealed rows of every table: who sealed them, and sealing them anew."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.types import Secret
from munshi.infrastructure.security.purposes import Purpose, purpose_of
from munshi.infrastructure.security.vault import FORMAT_VERSION, Sealed, Vault

_HEADER_BYTES = 9
BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTable:
    """A table with secrets, found by its column types."""

    table: Table
    key: Column[Any]
    columns: tuple[Column[Any], ...]

    @property
    def purpose(self) -> Purpose:
        return purpose_of(self.table.name)


@lru_cache
def sealed_tables() -> tuple[SealedTable, ...]:
    """Every table that has a column of the type Secret.

    Raises ValueError for one whose rows have no single key to be bound to.
    """
    return tuple(_describe(table) for table in metadata.sorted_tables if _secrets(table))


def _secrets(table: Table) -> tuple[Column[Any], ...]:
    return tuple(column for column in table.columns if isinstance(column.type, Secret))


def _describe(table: Table) -> SealedTable:
    [key] = table.primary_key.columns
    return SealedTable(table=table, key=key, columns=_secrets(table))


class SealedRowRepository:
    """Sealed values by the key that sealed them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count_values(self) -> dict[str, int]:
        """How many values each key seals."""
        found: dict[str, int] = {}
        for each in sealed_tables():
            for column in each.columns:
                for header, count in self._connection.execute(_counting(column)):
                    key_id = bytes(header)[1:].hex()
                    found[key_id] = found.get(key_id, 0) + count
        return found

    def count_outdated(self, table: SealedTable, *, key_id: str) -> int:
        """How many rows hold a value that another key than `key_id` sealed."""
        count: int = self._connection.execute(
            _outdated_count(table), {"header": _header(key_id)}
        ).scalar_one()
        return count

    def seal_anew(self, table: SealedTable, vault: Vault, *, key_id: str) -> int:
        """Seal at most a batch of outdated rows with `key_id`; how many rows that were.

        Rows that somebody else changes at the moment are left for the next time.
        """
        rows = self._connection.execute(_outdated(table), {"header": _header(key_id)}).all()
        for row in rows:
            row_id, values = row[0], dict(zip(table.columns, row[1:], strict=True))
            changed = {
                column.name: _sealed_anew(vault, value, column, row_id)
                for column, value in values.items()
                if value is not None and Sealed(value).key_id != key_id
            }
            self._connection.execute(
                _writing(table, tuple(changed)),
                {
                    "row": row_id,
                    "new_key_id": key_id,
                    **{f"new_{k}": v for k, v in changed.items()},
                },
            )
        return len(rows)


def _sealed_anew(vault: Vault, value: bytes, column: Column[Any], row_id: object) -> Sealed:
    place = {"table": column.table.name, "column": column.name, "row_id": str(row_id)}
    return vault.seal(vault.unseal(value, **place), **place)


def _header(key_id: str) -> bytes:
    return bytes([FORMAT_VERSION]) + bytes.fromhex(key_id)


def _header_of(column: Column[Any]) -> Any:  # noqa: ANN401
    octets = type_coerce(column, LargeBinary)
    return func.substring(octets, 1, _HEADER_BYTES, type_=LargeBinary)


def _is_outdated(table: SealedTable) -> Any:  # noqa: ANN401
    header = bindparam("header", type_=LargeBinary)
    return or_(
        *(and_(column.is_not(None), _header_of(column) != header) for column in table.columns)
    )


@lru_cache
def _counting(column: Column[Any]) -> Select[Any]:
    header = _header_of(column).label("header")
    inner = select(header).where(column.is_not(None)).subquery()
    return select(inner.c.header, func.count()).group_by(inner.c.header)


@lru_cache
def _outdated_count(table: SealedTable) -> Select[Any]:
    return select(func.count()).select_from(table.table).where(_is_outdated(table))


@lru_cache
def _outdated(table: SealedTable) -> Select[Any]:
    return (
        select(table.key, *table.columns)
        .where(_is_outdated(table))
        .order_by(table.key)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .with_hint(table.table, "WITH (UPDLOCK, READPAST, ROWLOCK)", "mssql")
    )


@lru_cache
def _writing(table: SealedTable, columns: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    values |= {
        column.name: bindparam("new_key_id")
        for column in table.table.columns
        if column.info.get("says_who_sealed")
    }
    return update(table.table).where(table.key == bindparam("row")).values(values)
