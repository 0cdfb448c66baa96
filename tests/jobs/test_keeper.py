"""Leases and progress while the database is well, and while it is not."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from jobs.desk import Desk
from munshi.domain.jobs import JobState
from munshi.errors import DatabaseUnreachableError
from munshi.jobs.keeper import LeaseKeeper
from munshi.jobs.progress import MESSAGE_LENGTH
from munshi.jobs.run import JobRun

LEASE = timedelta(seconds=30)
AWAY = 'ALTER TABLE "BackgroundJobs" RENAME TO "Elsewhere"'
BACK = 'ALTER TABLE "Elsewhere" RENAME TO "BackgroundJobs"'


def execute(desk: Desk, statement: str) -> None:
    with desk.database.transaction() as tx:
        tx.connection.exec_driver_sql(statement)


def begin(desk: Desk, keeper: LeaseKeeper) -> JobRun:
    desk.ask("echo")
    job = desk.claim("here:1:aa", lease=LEASE)
    run = JobRun(job, lease_until=desk.clock.now() + LEASE, desk=desk.worker(), clock=desk.clock)
    keeper.add([run])
    return run


def test_a_beat_extends_a_lease_once_a_third_of_it_is_used_up(desk: Desk) -> None:
    keeper = LeaseKeeper(desk.database, desk.clock, lease=LEASE)
    run = begin(desk, keeper)
    first = run.lease_until

    desk.clock.advance(LEASE / 3 - timedelta(seconds=1))
    keeper.beat()
    early = run.lease_until
    desk.clock.advance(timedelta(seconds=1))
    keeper.beat()

    (attempt,) = desk.service.attempts(run.job_id)
    assert early == first
    assert run.lease_until == attempt.lease_until == desk.clock.now() + LEASE


def test_progress_that_could_not_be_saved_is_saved_by_the_next_beat(sqlite_desk: Desk) -> None:
    keeper = LeaseKeeper(sqlite_desk.database, sqlite_desk.clock, lease=LEASE)
    run = begin(sqlite_desk, keeper)
    run.progress(60, "Sixty.")
    execute(
        sqlite_desk,
        'CREATE TRIGGER full BEFORE UPDATE ON "BackgroundJobs" '
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )

    with pytest.raises(Exception, match="disk full"):
        keeper.beat()
    execute(sqlite_desk, "DROP TRIGGER full")
    keeper.beat()

    job = sqlite_desk.get(run.job_id)
    assert (job.progress_percent, job.message) == (60, "Sixty.")


def test_a_result_survives_a_database_that_is_away_for_a_moment(sqlite_desk: Desk) -> None:
    job_id = sqlite_desk.ask("wait")
    worker = sqlite_desk.worker()
    worker.start()
    assert sqlite_desk.stage.entered.wait(20)
    execute(sqlite_desk, AWAY)

    sqlite_desk.stage.go_on.set()
    with pytest.raises((OperationalError, DatabaseUnreachableError)):
        sqlite_desk.get(job_id)
    execute(sqlite_desk, BACK)
    worker.stop(grace=30)

    job = sqlite_desk.get(job_id)
    assert (job.state, job.result_data) == (JobState.SUCCEEDED, {"attempt": 1})


@pytest.mark.parametrize(
    ("reported", "kept"), [(-5, 0), (250, 100), (float("nan"), 0), (33.3, 33.3)]
)
def test_progress_stays_between_0_and_100(sqlite_desk: Desk, reported: float, kept: float) -> None:
    keeper = LeaseKeeper(sqlite_desk.database, sqlite_desk.clock, lease=LEASE)
    run = begin(sqlite_desk, keeper)

    run.progress(reported, "x\0" * MESSAGE_LENGTH * 2)
    keeper.beat()

    job = sqlite_desk.get(run.job_id)
    assert (job.progress_percent, job.message) == (kept, "x" * MESSAGE_LENGTH)


def test_a_progress_call_without_a_message_keeps_the_last_one(sqlite_desk: Desk) -> None:
    run = begin(sqlite_desk, LeaseKeeper(sqlite_desk.database, sqlite_desk.clock, lease=LEASE))

    run.progress(10, "Fetching.")
    run.progress(20)

    assert run.reported()[:2] == (20, "Fetching.")
