"""Tables of an old install are read as they are, every row once, whatever stands in them."""

import pytest

from adoption.old_desk import run_sql
from databases import open_database
from munshi.infrastructure.database.legacy_tables import (
    LegacyRow,
    list_legacy_tables,
    read_pages,
)

MANY = 25


def read(url: str, *, size: int = 4) -> list[LegacyRow]:
    database = open_database(url)
    (table,) = list_legacy_tables(database)
    rows = [row for page in read_pages(database, table, size=size) for row in page]
    database.close()
    return rows


def fill(url: str, definition: str) -> None:
    values = ", ".join(f"('{number:02}', 'n')" for number in range(MANY))
    run_sql(
        url, f'CREATE TABLE "AuditLogs" {definition}', f'INSERT INTO "AuditLogs" VALUES {values}'
    )


@pytest.mark.parametrize(
    "definition",
    [
        "(id TEXT PRIMARY KEY, what TEXT)",
        "(id TEXT, what TEXT, PRIMARY KEY (what, id))",
        "(id TEXT, what TEXT)",
    ],
    ids=["one key", "two keys", "no key"],
)
def test_every_row_comes_once_and_always_under_the_same_key(
    empty_url: str, definition: str
) -> None:
    fill(empty_url, definition)

    rows, again = read(empty_url), read(empty_url, size=7)

    assert sorted(row.values["id"] for row in rows) == [f"{number:02}" for number in range(MANY)]
    assert len({row.key for row in rows}) == MANY
    assert [row.key for row in rows] == [row.key for row in again]


def test_whole_number_keys_are_read_in_the_order_of_numbers(empty_url: str) -> None:
    values = ", ".join(f"({number})" for number in range(1, 1100))
    run_sql(
        empty_url,
        'CREATE TABLE "AuditLogs" (id INTEGER PRIMARY KEY)',
        f'INSERT INTO "AuditLogs" VALUES {values}',
    )

    rows = read(empty_url, size=100)

    assert [int(row.key) for row in rows] == list(range(1, 1100))


def test_a_table_without_rowid_is_read(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    fill(url, "(id TEXT PRIMARY KEY, what TEXT) WITHOUT ROWID")

    assert len({row.key for row in read(url)}) == MANY


def test_equal_rows_without_a_key_are_told_apart(empty_url: str) -> None:
    run_sql(
        empty_url,
        'CREATE TABLE "AuditLogs" (action TEXT)',
        "INSERT INTO \"AuditLogs\" VALUES ('a'), ('a'), (NULL), ('b')",
    )

    assert len({row.key for row in read(empty_url, size=2)}) == 4


def test_text_that_is_no_utf_8_is_read_with_marks_in_it(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    run_sql(
        url,
        'CREATE TABLE "AuditLogs" (action TEXT)',
        "INSERT INTO \"AuditLogs\" VALUES (CAST(X'41FF42' AS TEXT))",
    )

    assert [row.values["action"] for row in read(url)] == ["A\ufffdB"]


def test_a_time_that_no_driver_can_hold_is_no_error(postgres_database: object) -> None:
    assert callable(postgres_database)
    url = postgres_database("old_times")
    run_sql(
        url,
        'CREATE TABLE "AuditLogs" (id INTEGER PRIMARY KEY, at TIMESTAMPTZ)',
        "INSERT INTO \"AuditLogs\" VALUES (1, 'infinity'), (2, '4000-01-01 BC')",
    )

    first, second = (row.values["at"] for row in read(url))
    assert first == "infinity"
    assert second.endswith(" BC")
