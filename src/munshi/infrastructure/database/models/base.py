"""One metadata for all tables, with names by convention."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Identity, MetaData, Table, text
from sqlalchemy.schema import SchemaItem

from munshi.infrastructure.database.types import Whole

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)


def table(name: str, *items: SchemaItem, counted: bool = False, keyed: bool = False) -> Table:
    """A STRICT table; `counted` where the database hands out the key and never reuses one.

    `keyed` stores narrow rows in their primary key's own tree (SQLite's WITHOUT ROWID).
    """
    return Table(
        name,
        metadata,
        *items,
        sqlite_strict=True,
        sqlite_autoincrement=counted,
        sqlite_with_rowid=not keyed,
    )


def position(name: str = "id") -> Column[int]:
    """A key that the database counts."""
    return Column(name, Whole, Identity(), primary_key=True)


def where(condition: str, *, postgresql: str | None = None) -> dict[str, Any]:
    """A filtered index's condition, in each dialect's words."""
    return {
        "sqlite_where": text(condition),
        "mssql_where": text(condition),
        "postgresql_where": text(postgresql or condition),
    }


def one_of(column: str, values: Iterable[str]) -> str:
    """`column = 'a' OR column = 'b'`, for checks and filtered indexes.

    SQLite builds a tree for every IN that it evaluates, a third of what a job's update costs;
    and only in this form does it see that a query for one value may use the index.
    """
    return " OR ".join(f"{column} = '{value}'" for value in values)
