"""Watches which transaction changed which tables, on a SQLite desk, and who opened it.

Triggers note each changed row; whoever opens a transaction is found on the stack when it commits.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import FrameType

from sqlalchemy import Connection, Engine, event

from munshi.domain.operational_writes import OPERATIONAL_WRITES, OperationalWrite
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import metadata
from source_tree import modules

AUDIT = "AuditLogs"
_NOTES = "WalkNotes"
_OPENS = {"transaction", "operational"}
# The one writer that goes past SQLAlchemy: claims, and what ended well.
EXCHANGE = "jobs.dispatcher:Dispatcher._swap"


@dataclass(frozen=True, slots=True)
class Change:
    """One row changed; `state` is its new `status`, where the table has one."""

    table: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Write:
    """One committed transaction: who opened it, and what it changed."""

    writer: str
    changes: frozenset[Change]

    @property
    def unaudited(self) -> set[str]:
        """The tables that it should not have changed without an audit row."""
        if any(change.table == AUDIT for change in self.changes):
            return set()
        return {change.table for change in self.changes if not _is_operational(self.writer, change)}


@dataclass(slots=True)
class Walk:
    """What was written while it was watched."""

    writes: list[Write] = field(default_factory=list)


def _is_operational(writer: str, change: Change) -> bool:
    return any(_covers(entry, writer, change) for entry in OPERATIONAL_WRITES)


def _covers(entry: OperationalWrite, writer: str, change: Change) -> bool:
    return (
        entry.table == change.table
        and (not entry.writers or writer in entry.writers)
        and change.state not in entry.except_states
    )


@cache
def openers() -> frozenset[str]:
    """Every function of the product that opens a writing transaction, as `module:function`."""
    found: set[str] = set()
    for module in modules():
        if module.place.startswith("infrastructure/"):
            continue
        name = module.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found |= {f"{name}:{function}" for function in _opening(module.tree, "")}
    return frozenset(found)


def _opening(node: ast.AST, path: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _opening(child, f"{path}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_is_opening(inner) for inner in ast.walk(child)):
                yield f"{path}{child.name}"
        else:
            yield from _opening(child, path)


def _is_opening(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _OPENS
        and not node.args
    )


def _writer(frame: FrameType | None) -> str:
    """The innermost function on the stack that is known to open transactions."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        name = f"{module.removeprefix('munshi.')}:{frame.f_code.co_qualname}"
        if name in openers():
            return name
        frame = frame.f_back
    return "unknown"


@contextmanager
def watching(database: Database) -> Iterator[Walk]:
    """Note every change of a SQLite database of the test's own."""
    _install(database)
    walk = Walk()
    begun: dict[Connection, int] = {}
    seen = [0]

    def begin(connection: Connection) -> None:
        begun[connection] = _last(connection)

    def commit(connection: Connection) -> None:
        first = begun.pop(connection, 0)
        changes = _noted(connection, first)
        # What was noted before this transaction began, and in no other, went past SQLAlchemy.
        past = _noted(connection, seen[0], first)
        for writer, noted in ((EXCHANGE, past), (_writer(sys._getframe(1)), changes)):  # noqa: SLF001
            if noted:
                walk.writes.append(Write(writer, frozenset(noted)))
        if changes:
            seen[0] = max(seen[0], _last(connection))

    engines: tuple[Engine, ...] = (database.engine, database._quick)  # noqa: SLF001
    for engine in engines:
        event.listen(engine, "begin", begin)
        event.listen(engine, "commit", commit)
    try:
        yield walk
    finally:
        for engine in engines:
            event.remove(engine, "begin", begin)
            event.remove(engine, "commit", commit)


def _install(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            f'CREATE TABLE "{_NOTES}" (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT, state TEXT)'
        )
        for name, table in metadata.tables.items():
            for verb, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                # A deleted row is in no state any more.
                state = f"{row}.status" if "status" in table.c and verb != "DELETE" else "NULL"
                connection.exec_driver_sql(
                    f'CREATE TRIGGER "walk_{name}_{verb}" AFTER {verb} ON "{name}" BEGIN '
                    f"INSERT INTO \"{_NOTES}\" (tbl, state) VALUES ('{name}', {state}); END"
                )


def _last(connection: Connection) -> int:
    return int(
        connection.exec_driver_sql(f'SELECT coalesce(max(seq), 0) FROM "{_NOTES}"').scalar_one()
    )


def _noted(connection: Connection, after: int, until: int = 2**62) -> list[Change]:
    rows = connection.exec_driver_sql(
        f'SELECT DISTINCT tbl, state FROM "{_NOTES}" WHERE seq > ? AND seq <= ?', (after, until)
    )
    return [Change(table, state) for table, state in rows]
