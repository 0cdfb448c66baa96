"""What is asked of a hundred thousand audit rows is read off an index, in order."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Executable

from clocks import FakeClock
from munshi.infrastructure.database import audit_queries
from munshi.infrastructure.database.audit_queries import AuditFilter
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.database.types import to_text

MANY = 100_000
# One of ten thousand in everything but the user, who did all of it.
_ROWS = {
    "sqlite": """WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made
      WHERE n < {many}) INSERT INTO "AuditLogs" (format_version, entity_type, entity_id, action,
      timestamp, user_id, request_id, job_id, canonical, leaf)
      SELECT 2, 'job', 'thing' || {rest}, 'act' || {rest},
      strftime('%Y-%m-%dT%H:%M:%S', '{now}', n || ' seconds') || '.000000Z', 'asha',
      'r' || {rest}, 'j' || {rest}, x'00', cast('{zeros}' || n AS blob) FROM made""",
    "postgresql": """INSERT INTO "AuditLogs" (format_version, entity_type, entity_id, action,
      timestamp, user_id, request_id, job_id, canonical, leaf)
      SELECT 2, 'job', 'thing' || {rest}, 'act' || {rest},
      '{now}'::timestamptz + n * interval '1 second', 'asha', 'r' || {rest},
      'j' || {rest}, '\\x00', decode(lpad(to_hex(n), 64, '0'), 'hex')
      FROM generate_series(1, {many}) AS n""",
}


def made_rows(dialect: str, clock: FakeClock) -> str:
    return _ROWS[dialect].format(
        many=MANY, rest="(n - n / 10000 * 10000)", zeros="0" * 26, now=to_text(clock.now())
    )


@pytest.fixture
def full(database: Database, clock: FakeClock) -> Iterator[Transaction]:
    with database.transaction() as tx:
        rows = made_rows(database.dialect, clock)
        tx.connection.exec_driver_sql(rows)
        tx.connection.exec_driver_sql("ANALYZE")
        yield tx


def plan(tx: Transaction, chosen: AuditFilter) -> str:
    values = {**audit_queries._values(chosen), "most": 50}  # noqa: SLF001
    statement = audit_queries._listing(  # noqa: SLF001
        frozenset(values) - {"most"}, oldest_first=False
    )
    return explain(tx, statement, values)


def explain(tx: Transaction, statement: Executable, values: dict[str, Any]) -> str:
    compiled: Any = statement.compile(tx.connection)  # type: ignore[attr-defined]
    processors = compiled._bind_processors  # noqa: SLF001 - as Core would bind them
    bound: Any = {
        name: processors[name](value) if name in processors else value
        for name, value in {**compiled.params, **values}.items()
    }
    verb = "EXPLAIN"
    if tx.connection.dialect.name == "sqlite":
        verb, bound = "EXPLAIN QUERY PLAN", tuple(bound[name] for name in compiled.positiontup)
    rows = tx.connection.exec_driver_sql(f"{verb} {compiled}", bound).all()
    return "\n".join(str(row[-1]) for row in rows)


def old_window(clock: FakeClock) -> dict[str, Any]:
    """A minute long ago, behind tens of thousands of newer rows."""
    since = clock.now() + timedelta(seconds=20_000)
    return {"since": since, "until": since + timedelta(minutes=1)}


ASKED: dict[str, dict[str, Any]] = {
    "everything": {},
    "entity": {"entity_type": "job", "entity_id": "thing7"},
    "user": {"user_id": "asha"},
    "action": {"action": "act7"},
    "request": {"request_id": "r7"},
    "job": {"job_id": "j7"},
}


@pytest.mark.parametrize("window", [False, True], ids=["ever", "in-an-old-minute"])
@pytest.mark.parametrize("asked", ASKED)
def test_each_way_of_asking_is_read_off_an_index(
    full: Transaction, clock: FakeClock, asked: str, *, window: bool
) -> None:
    chosen = AuditFilter(**ASKED[asked], **(old_window(clock) if window else {}))

    said = plan(full, chosen)

    assert "SCAN AuditLogs\n" not in said + "\n", said
    assert "Seq Scan" not in said, said
    assert "ix_AuditLogs" in said or "pk_AuditLogs" in said, said


@pytest.mark.parametrize("asked", ASKED)
def test_a_page_of_an_old_minute_takes_milliseconds(
    full: Transaction, clock: FakeClock, asked: str
) -> None:
    chosen = AuditFilter(**ASKED[asked], **old_window(clock))
    full.audit.list_logs(chosen, limit=50)

    begun = time.perf_counter()
    found = full.audit.list_logs(chosen, limit=50)

    # A walk over what is newer takes some hundred times as long.
    assert time.perf_counter() - begun < 0.05
    assert len(found) <= 50


def test_who_follows_reads_only_what_is_new(
    postgresql_database: Database, clock: FakeClock
) -> None:
    with postgresql_database.transaction() as tx:
        rows = made_rows("postgresql", clock)
        tx.connection.exec_driver_sql(rows)
    with postgresql_database.transaction() as tx:
        tx.connection.exec_driver_sql("ANALYZE")
        place = tx.audit.get_place()
        values = {"base": place.base, "target": place.base, "low": 0, "most": 500}

        said = explain(tx, audit_queries._since_snapshot(frozenset(values)), values)  # noqa: SLF001

    assert "ix_AuditLogs_transaction_id" in said, said
