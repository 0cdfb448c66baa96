"""What workers and people ask of a hundred thousand jobs is read off an index."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Executable

from clocks import FakeClock
from munshi.infrastructure.database import attempt_statements, job_statements
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims_postgresql import (
    POSTGRESQL_HAS_DUE,
    postgresql_claim,
    postgresql_swap,
)
from munshi.infrastructure.database.job_claims_sqlite import sqlite_claim, sqlite_has_due
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.database.types import to_text

MANY = 100_000
LANES = ("default", "echo", "default", "wait")
# Nine of ten succeeded; of the rest some are queued, scheduled, running.
_ROWS = {
    "sqlite": """WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made
      WHERE n < {many}) INSERT INTO "BackgroundJobs" (job_id, job_type, status, parameters, run_at,
      turn_at, cancel_requested, created_by, created_at, updated_at, lease_until)
      SELECT printf('%08d-0000-7000-8000-000000000000', n), 'echo', {status}, '{{}}', '{now}',
      '{now}', 0, 'asha', '{now}', '{now}', '{now}' FROM made""",
    "postgresql": """INSERT INTO "BackgroundJobs" (job_id, job_type, status, parameters, run_at,
      turn_at, cancel_requested, created_by, created_at, updated_at, lease_until)
      SELECT lpad(n::text, 32, '0')::uuid, 'echo', {status}, '{{}}', '{now}', '{now}', false,
      'asha', '{now}'::timestamptz + n * interval '1 second', '{now}', '{now}'
      FROM generate_series(1, {many}) AS n""",
}
_STATUS = (
    "CASE WHEN n / 100 * 100 = n THEN 'running' WHEN n / 10 * 10 = n THEN 'queued' "
    "WHEN n / 15 * 15 = n THEN 'scheduled' ELSE 'succeeded' END"
)


@pytest.fixture
def full(database: Database, clock: FakeClock) -> Iterator[Transaction]:
    with database.transaction() as tx:
        rows = _ROWS[database.dialect].format(many=MANY, status=_STATUS, now=to_text(clock.now()))
        tx.connection.exec_driver_sql(rows)
        tx.connection.exec_driver_sql("ANALYZE")
        yield tx


def explain(tx: Transaction, statement: str, values: Any = None) -> str:  # noqa: ANN401
    sqlite = tx.connection.dialect.name == "sqlite"
    verb = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    rows = tx.connection.exec_driver_sql(f"{verb} {statement}", values).all()
    return "\n".join(str(row[-1]) for row in rows)


def explain_core(tx: Transaction, statement: Executable, **values: object) -> str:
    compiled: Any = statement.compile(tx.connection)  # type: ignore[attr-defined]
    processors = compiled._bind_processors  # noqa: SLF001 - as Core would bind them
    bound = {
        name: processors[name](value) if name in processors else value
        for name, value in {**compiled.params, **values}.items()
    }
    if tx.connection.dialect.name == "sqlite":
        return explain(tx, str(compiled), tuple(bound[name] for name in compiled.positiontup))
    return explain(tx, str(compiled), bound)


def reads_all(plan: str) -> bool:
    return (
        any(
            line.strip().startswith("SCAN BackgroundJobs") and "INDEX" not in line
            for line in plan.splitlines()
        )
        or 'Seq Scan on "BackgroundJobs"' in plan
    )


def test_a_claim_walks_its_index_in_order(full: Transaction, clock: FakeClock) -> None:
    now = clock.now()
    if full.connection.dialect.name == "sqlite":
        at = to_text(now)
        plan = explain(full, sqlite_claim(2, 10), (at, at, "w", *LANES))
    else:
        values = {
            "queues": list(LANES[::2]),
            "types": list(LANES[1::2]),
            "worker": "w",
            "until": now,
            "now": now,
            "done": "[]",
        }
        plan = explain(full, postgresql_claim(10), values)
        both = explain(full, postgresql_swap(10), values)
        assert "ix_BackgroundJobs_claim" in both
        assert not reads_all(both)

    assert "ix_BackgroundJobs_claim" in plan
    assert not reads_all(plan)


def test_whether_anything_is_due_is_read_off_two_indexes(
    full: Transaction, clock: FakeClock
) -> None:
    if full.connection.dialect.name == "sqlite":
        plan = explain(full, sqlite_has_due(2), (to_text(clock.now()), *LANES))
    else:
        lanes = {"queues": list(LANES[::2]), "types": list(LANES[1::2])}
        plan = explain(full, POSTGRESQL_HAS_DUE, {**lanes, "now": clock.now()})

    assert "ix_BackgroundJobs_due" in plan
    assert "ix_BackgroundJobs_claim" in plan
    assert not reads_all(plan)


def test_promotion_recovery_and_running_use_the_indexes_of_their_states(
    full: Transaction, clock: FakeClock
) -> None:
    now = clock.now()
    promote = explain_core(full, job_statements.promote(full.connection.dialect.name), now=now)
    lapsed = explain_core(full, attempt_statements.LAPSED, now=now, most=100)
    running = explain_core(full, attempt_statements.RUNNING, most=100)

    assert "ix_BackgroundJobs_due" in promote
    assert "ix_BackgroundJobs_running" in lapsed
    assert "ix_BackgroundJobs_running" in running
    assert not any(reads_all(plan) for plan in (promote, lapsed, running))


def test_the_newest_jobs_are_read_off_the_end_of_an_index(full: Transaction) -> None:
    plan = explain_core(full, job_statements.listing(frozenset(), None), most=50)

    assert "ix_BackgroundJobs_created_at_job_id" in plan
    assert not reads_all(plan)
    assert "TEMP B-TREE" not in plan


def test_cleaning_up_looks_at_old_jobs_only(full: Transaction, clock: FakeClock) -> None:
    before = clock.now() - timedelta(days=7)

    plan = explain_core(full, job_statements.CLEANUP, before=before)

    assert "ix_BackgroundJobs_created_at_job_id" in plan
