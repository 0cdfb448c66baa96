"""The life of jobs as a state machine that Hypothesis walks through; see `machine.py`."""

import shutil
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text

from databases import open_database
from jobs.lifecycle.machine import QueueMachine
from munshi.infrastructure.database.engine import Database

EMPTIED = "BackgroundJobs", "JobAttempts", "JobSlots", "JobPauses", "JobLogs", "Alerts"
# The same walks in every run, so that a failure is of the change and not of the day; and no
# search for a shorter one, which takes minutes: for that, take `phases` out.
STABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def fresh_sqlite(migrated_file: Path, tmp_path: Path) -> Callable[[], Database]:
    numbers = count()

    def fresh() -> Database:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(migrated_file, path)
        return open_database(f"sqlite:///{path}")

    return fresh


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Callable[[], Database]:
    def fresh() -> Database:
        database = open_database(postgresql_url)
        with database.transaction() as tx:
            tables = ", ".join(f'"{name}"' for name in EMPTIED)
            tx.connection.execute(text(f"TRUNCATE {tables} CASCADE"))
        return database

    return fresh


@pytest.mark.parametrize("way", ["driver", "core"])
def test_nothing_that_happens_to_jobs_breaks_what_must_hold_on_sqlite(
    fresh_sqlite: Callable[[], Database], way: str
) -> None:
    run_state_machine_as_test(
        partial(QueueMachine, fresh_sqlite, way=way),  # type: ignore[arg-type] # it only calls it
        settings=settings(STABLE, max_examples=25, stateful_step_count=60),
    )


def test_nothing_that_happens_to_jobs_breaks_what_must_hold_on_postgresql(
    fresh_postgresql: Callable[[], Database],
) -> None:
    run_state_machine_as_test(
        partial(QueueMachine, fresh_postgresql),  # type: ignore[arg-type]
        settings=settings(STABLE, max_examples=8, stateful_step_count=50),
    )
