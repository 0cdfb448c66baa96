"""Column types: exact on every database, refusing what they cannot keep."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.types import TypeEngine

from munshi.infrastructure.database import types
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.security.vault import Sealed

IST = timezone(timedelta(hours=5, minutes=30))
STRICT_TYPES = {"INTEGER", "REAL", "TEXT", "BLOB"}


def kept(connection: Connection, kind: TypeEngine[Any], value: object) -> object:
    """`value` after it was stored in a column of `kind`."""
    table = Table("Kept", MetaData(), Column("value", kind), sqlite_strict=True)
    table.create(connection)
    try:
        connection.execute(insert(table), {"value": value})
        return connection.execute(select(table.c.value)).scalar_one()
    finally:
        table.drop(connection)


EXACT = [
    (types.Instant(), datetime(2026, 11, 20, 4, 30, 0, 1, tzinfo=UTC)),
    (types.Instant(), datetime(1999, 1, 1, tzinfo=UTC)),
    (types.Day(), date(2026, 11, 20)),
    (types.Name(8), "तेजीतेजी"),
    (types.Prose(), "a\nb\t'\"" * 500),
    (types.Json(), {"a": [1, "x", None, True, {"b": "é"}]}),
    (types.Json(), [1, 2]),
    (types.Json(), "text"),
    (types.Json(), False),
    (types.Json(), 0),
    (types.Flag(), True),
    (types.Flag(), False),
    (types.RowUuid(), UUID("11111111-2222-3333-4444-555555555555")),
    (types.Amount(), Decimal("12345678901234.5678")),
    (types.Amount(), Decimal("0.0500")),
    (types.Amount(), Decimal("1E+3")),
    (types.Octets(), b"\x00\xff"),
    (types.Digest(), bytes(32)),
    (types.Whole(), 2**63 - 1),
    (types.Whole(), -(2**63)),
    (types.Real(), 0.1 + 0.2),
    (types.Secret(), Sealed(b"\x01sealed")),
]


@pytest.mark.parametrize(("kind", "value"), EXACT, ids=lambda each: repr(each)[:40])
def test_a_value_comes_back_as_it_was(
    database: Database, kind: TypeEngine[Any], value: object
) -> None:
    with database.engine.begin() as connection:
        found = kept(connection, kind, value)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("kind", {type(kind) for kind, _ in EXACT}, ids=lambda kind: kind.__name__)
def test_nothing_comes_back_as_nothing(database: Database, kind: type[TypeEngine[Any]]) -> None:
    with database.engine.begin() as connection:
        assert kept(connection, kind(), None) is None


def test_an_instant_of_another_zone_is_the_same_instant(database: Database) -> None:
    opening = datetime(2026, 11, 20, 9, 15, tzinfo=IST)

    with database.engine.begin() as connection:
        found = kept(connection, types.Instant(), opening)

    assert found == opening
    assert isinstance(found, datetime)
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (types.Instant(), datetime(2026, 11, 20), "time zone"),  # noqa: DTZ001
        (types.Name(3), "four", "4 characters in a column of 3"),
        (types.Secret(), b"clear", "vault has sealed"),
        (types.Secret(), "clear", "vault has sealed"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    sqlite_database: Database, kind: TypeEngine[Any], value: object, words: str
) -> None:
    with (
        pytest.raises(StatementError, match=words),
        sqlite_database.engine.begin() as connection,
    ):
        kept(connection, kind, value)


@given(instants=st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=20))
def test_on_sqlite_the_order_of_texts_is_the_order_of_instants(instants: list[datetime]) -> None:
    assert sorted(instants) == sorted(instants, key=types.to_text)


def test_every_column_uses_a_type_of_ours() -> None:
    ours = {value for value in vars(types).values() if isinstance(value, type)}

    foreign = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if type(column.type) not in ours
    ]

    assert foreign == []


def test_every_table_is_strict_with_the_four_plain_types(sqlite_database: Database) -> None:
    with sqlite_database.engine.connect() as connection:
        tables = connection.execute(text("PRAGMA table_list")).all()
        strict = {row.name for row in tables if row.strict}
        spelled = {
            row.type
            for name in metadata.tables
            for row in connection.execute(text(f'PRAGMA table_info("{name}")'))
        }

    assert strict >= set(metadata.tables)
    assert spelled <= STRICT_TYPES


def test_a_strict_table_refuses_what_is_not_of_its_column(sqlite_database: Database) -> None:
    with (
        pytest.raises(DBAPIError, match="cannot store TEXT value in INTEGER column"),
        sqlite_database.engine.begin() as connection,
    ):
        connection.execute(text("UPDATE \"ConfigRevision\" SET revision = 'many'"))
