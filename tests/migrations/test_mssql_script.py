"""The script for SQL Server: what can be known of it without a server."""

import re
from functools import cache

import pytest
import sqlglot
from sqlalchemy import Column
from sqlglot import exp

from munshi.infrastructure.database import migrate, procedures, types
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.models import metadata

MODULE = re.compile(r"CREATE\s+(PROCEDURE|TRIGGER|FUNCTION|VIEW)\b", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*")
UNKNOWN_TO_PARSER = ("SET ", "CREATE TRIGGER")
LONGEST_NAME = 128
LARGEST_KEY, LARGEST_CLUSTERED_KEY = 1700, 900  # bytes


@cache
def batches() -> tuple[str, ...]:
    parts = re.split(r"(?m)^GO\s*$", COMMENT.sub("", migrate.script("mssql")))
    return tuple(part.strip() for part in parts if part.strip())


def parsed() -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for batch in batches():
        if not batch.startswith(UNKNOWN_TO_PARSER):
            level = sqlglot.ErrorLevel.RAISE
            found += [e for e in sqlglot.parse(batch, dialect="tsql", error_level=level) if e]
    return found


def test_every_batch_parses_as_t_sql() -> None:
    kinds = {type(expression) for expression in parsed()}

    assert exp.Command not in kinds  # what the parser gave up on
    assert {exp.Create, exp.Insert, exp.Update, exp.Transaction, exp.Commit} <= kinds


def test_a_procedure_or_trigger_stands_alone_in_its_batch() -> None:
    modules = [batch for batch in batches() if MODULE.search(batch)]

    triggers = sum("CREATE TRIGGER" in batch for batch in modules)
    assert triggers == 7
    assert len(modules) == len(procedures.NAMES) + triggers
    for batch in modules:
        assert MODULE.match(batch)
        assert len(MODULE.findall(batch)) == 1


def test_everything_is_there() -> None:
    created = "\n".join(batches())

    for name, table in metadata.tables.items():
        assert f"CREATE TABLE [{name}] (" in created
        for index in table.indexes:
            assert f"INDEX [{index.name}] ON [{name}]" in created
        for constraint in table.constraints:
            assert f"CONSTRAINT [{constraint.name}]" in created
    for name in procedures.NAMES:
        assert f"CREATE PROCEDURE {name}" in created
    for trigger in (
        "[tr_AuditLogs_no_update] ON [AuditLogs] INSTEAD OF UPDATE",
        "[tr_AuditLogs_no_delete] ON [AuditLogs] AFTER DELETE",
        "[tr_AuditBlocks_no_change] ON [AuditBlocks] INSTEAD OF UPDATE, DELETE",
        "[tr_Instruments_cache] ON [Instruments] AFTER INSERT, UPDATE, DELETE",
    ):
        assert f"CREATE TRIGGER {trigger}" in created
    assert f"SET version_num='{HEAD}'" in created


def test_one_active_login_is_kept_by_a_filtered_unique_index() -> None:
    expected = (
        "CREATE UNIQUE INDEX [uq_AuthSessions_active] ON [AuthSessions] "
        "(service_type, account, mode) WHERE is_active = 1;"
    )

    assert expected in batches()


def test_the_script_sets_what_filtered_indexes_need_and_is_one_transaction() -> None:
    first, *_, last = batches()

    for option in ("QUOTED_IDENTIFIER", "ANSI_NULLS", "ARITHABORT", "XACT_ABORT"):
        assert f"SET {option} ON;" in first
    assert batches()[1].startswith("BEGIN TRANSACTION;")
    assert last == "COMMIT;"


def test_text_keeps_every_script_and_instants_their_microseconds() -> None:
    created = [expression for expression in parsed() if isinstance(expression, exp.Create)]

    spelled = {
        column.kind.sql(dialect="tsql").upper()
        for table in created
        if isinstance(table.this, exp.Schema)
        for column in table.find_all(exp.ColumnDef)
        if column.kind is not None and table.this.this.name != "munshi_revision"
    }

    assert {kind.partition("(")[0] for kind in spelled} == {
        "UNIQUEIDENTIFIER",
        "NVARCHAR",
        "DATETIME2",
        "BIGINT",
        "BIT",
        "VARBINARY",
        "BINARY",
        "NUMERIC",
        "FLOAT",
        "DATE",
        "ROWVERSION",
    }
    assert not {kind for kind in spelled if kind.startswith("DATETIME2") and kind[-3:] != "(6)"}


def test_names_and_keys_fit_what_the_server_allows() -> None:
    for table in metadata.tables.values():
        names = [table.name, *(str(index.name) for index in table.indexes)]
        names += [str(constraint.name) for constraint in table.constraints]
        assert max(map(len, names)) <= LONGEST_NAME
        assert sum(map(width, table.primary_key)) <= LARGEST_CLUSTERED_KEY, table.name
        for index in table.indexes:
            assert sum(map(width, index.columns)) <= LARGEST_KEY, index.name


def width(column: Column[object]) -> int:
    """Bytes of a key column; a type without a bound cannot be a key."""
    kind = column.type
    if isinstance(kind, types.Name):
        return 2 * kind.length
    fixed: dict[type, int] = {
        types.Whole: 8,
        types.RowUuid: 16,
        types.Instant: 8,
        types.Digest: 32,
        types.TransactionId: 8,
        types.Flag: 1,
        types.Day: 3,
        types.Amount: 9,
    }
    return fixed[type(kind)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_other_dialects_print_their_own_script(dialect: str) -> None:
    script = migrate.script(dialect)

    assert 'CREATE TABLE "AuthSessions"' in script
    assert "GO\n" not in script
    assert ("STRICT" in script) == (dialect == "sqlite")
