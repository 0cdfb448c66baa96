"""What a board asks every half second is read off small indexes, however many jobs have ended."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Executable, insert

from clocks import FakeClock
from munshi.domain.jobs import JobState, new_job_id
from munshi.infrastructure.database import attempt_statements, change_repository, job_statements
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.infrastructure.database.models import background_jobs
from munshi.infrastructure.database.transaction import Transaction

MANY = 20_000
RARE = (JobState.DEAD, JobState.HELD, JobState.QUEUED)


@pytest.fixture
def full(database: Database, clock: FakeClock) -> Iterator[Transaction]:
    """Many jobs that succeeded, and nothing else."""
    now = clock.now()
    rows = [
        {
            "job_id": new_job_id(now),
            "job_type": "auto_login",
            "status": JobState.SUCCEEDED,
            "parameters": {},
            "priority": 0,
            "max_attempts": 1,
            "run_at": now,
            "turn_at": now,
            "queue": "default",
            "cancel_requested": False,
            "created_by": "tester",
            "created_at": now - timedelta(seconds=number),
            "updated_at": now,
        }
        for number in range(MANY)
    ]
    with database.transaction() as tx:
        tx.connection.execute(insert(background_jobs), rows)
        tx.connection.exec_driver_sql("ANALYZE")
        yield tx


def plan(tx: Transaction, statement: Executable) -> str:
    text = str(statement.compile(tx.connection, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]
    verb = "EXPLAIN QUERY PLAN" if tx.connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = tx.connection.exec_driver_sql(f"{verb} {text}").all()
    return "\n".join(str(row[-1]) for row in rows)


def test_the_running_jobs_are_found_by_their_index(full: Transaction) -> None:
    found = plan(full, attempt_statements.RUNNING.params(most=50))

    assert "ix_BackgroundJobs_running" in found
    assert full.attempts.list_running_jobs(limit=50) == []


@pytest.mark.parametrize(
    ("state", "index"),
    [
        (JobState.RUNNING, "ix_BackgroundJobs_running"),
        (JobState.QUEUED, "ix_BackgroundJobs_claim"),
        (JobState.HELD, "ix_BackgroundJobs_status_created_at"),
        (JobState.DEAD, "ix_BackgroundJobs_status_created_at"),
    ],
)
def test_jobs_of_a_state_are_counted_by_its_index(
    full: Transaction, state: JobState, index: str
) -> None:
    found = plan(full, job_statements.counting(frozenset(), frozenset({state})))

    assert index in found
    assert full.jobs.count_jobs(JobFilter(states=frozenset({state}))) == []


def test_the_signs_of_change_and_counts_that_end_early_are_read_off_indexes(
    full: Transaction,
) -> None:
    signs = full.changes.get_signs()
    plans = [
        plan(full, change_repository.SIGNS),
        *(plan(full, job_statements.counting_some(state).params(most=1000)) for state in RARE),
    ]

    assert full.changes.get_signs() == signs
    assert {state: full.jobs.count_some(state, most=1000) for state in RARE} == dict.fromkeys(
        RARE, 0
    )
    for found in plans:
        assert "SCAN BackgroundJobs\n" not in f"{found}\n"
        assert 'Seq Scan on "BackgroundJobs"' not in found
