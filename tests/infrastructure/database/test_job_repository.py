"""JobRepository on both databases: claims, leases, fencing and the transition table."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.domain.jobs import (
    TRANSITIONS,
    AttemptOutcome,
    Job,
    JobEnding,
    JobState,
    NewJob,
)
from munshi.domain.sessions import BrokerSession
from munshi.errors import JobAttemptFencedError, JobStateConflictError, JobUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.infrastructure.database.transaction import Transaction
from munshi.settings import BrokerMode

LEASE = timedelta(seconds=30)
LANES = [Lane("default", "data_collection"), Lane("default", "auto_login")]
SUCCESS = JobEnding(
    state=JobState.SUCCEEDED,
    outcome=AttemptOutcome.SUCCEEDED,
    percent=100,
    message="Done.",
    result={"rows": 3},
)
EXPIRED = JobEnding(state=JobState.QUEUED, outcome=AttemptOutcome.LEASE_EXPIRED, error="Silence.")


def new_job(
    clock: FakeClock,
    *,
    job_type: str = "data_collection",
    priority: int = 0,
    run_at: datetime | None = None,
    key: str | None = None,
    parent_id: UUID | None = None,
) -> NewJob:
    return NewJob(
        job_id=uuid4(),
        job_type=job_type,
        parameters={"instruments": ["NSE:NIFTY 50"]},
        priority=priority,
        run_at=run_at or clock.now(),
        created_by="asha",
        idempotency_key=key,
        parent_id=parent_id,
    )


def claim(tx: Transaction, clock: FakeClock, *, limit: int = 1) -> list[Job]:
    return tx.attempts.claim_jobs(
        "here:1:aa", lanes=LANES, limit=limit, lease=LEASE, now=clock.now()
    )


def test_a_new_job_is_queued_as_it_was_asked_for(database: Database, clock: FakeClock) -> None:
    new = new_job(clock, priority=3)

    with database.transaction() as tx:
        created = tx.jobs.create_job(new, now=clock.now())
    with database.reading() as tx:
        found = tx.jobs.get_job(new.job_id)

    assert found == created
    assert found is not None
    assert found.state is JobState.QUEUED
    assert found.parameters == {"instruments": ["NSE:NIFTY 50"]}
    assert (found.priority, found.attempt, found.created_by) == (3, 0, "asha")
    assert (found.message, found.result_data, found.started_at) == ("", None, None)


def test_a_job_for_later_is_scheduled_and_queued_when_its_time_has_come(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        later = new_job(clock, run_at=clock.now() + timedelta(minutes=5))
        created = tx.jobs.create_job(later, now=clock.now())
        early = tx.jobs.promote_due_jobs(now=clock.now()), claim(tx, clock)

        clock.advance(timedelta(minutes=5))
        promoted = tx.jobs.promote_due_jobs(now=clock.now())
        due = claim(tx, clock)

    assert created.state is JobState.SCHEDULED
    assert early == (0, [])
    assert promoted == 1
    assert [job.job_id for job in due] == [later.job_id]


def test_one_live_job_for_an_idempotency_key(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        first = tx.jobs.create_job(new_job(clock, key="nifty"), now=clock.now())
        second = tx.jobs.create_job(new_job(clock, key="nifty"), now=clock.now())
        tx.jobs.request_cancel(first.job_id, now=clock.now())

        third = tx.jobs.create_job(new_job(clock, key="nifty"), now=clock.now())

    assert second == first
    assert third.job_id != first.job_id


def test_a_step_of_priority_is_worth_a_minute_of_waiting(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        at = [clock.now() - timedelta(minutes=minutes) for minutes in (1, 9, 5)]
        normal = [tx.jobs.create_job(new_job(clock, run_at=due), now=clock.now()) for due in at]
        urgent = tx.jobs.create_job(new_job(clock, priority=-6), now=clock.now())
        humble = tx.jobs.create_job(new_job(clock, priority=2, run_at=at[2]), now=clock.now())

        claimed = claim(tx, clock, limit=4) + claim(tx, clock)

    wanted = [normal[1], urgent, normal[2], humble, normal[0]]
    assert [job.job_id for job in claimed] == [job.job_id for job in wanted]


def test_a_claim_takes_a_lease_under_a_new_attempt_number(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        (claimed,) = claim(tx, clock)
        nothing_left = claim(tx, clock)
        attempts = tx.attempts.list_attempts(job_id)

    assert nothing_left == []
    assert (claimed.state, claimed.attempt) == (JobState.RUNNING, 1)
    assert claimed.started_at == clock.now()
    assert [(each.attempt, each.worker_id) for each in attempts] == [(1, "here:1:aa")]
    assert attempts[0].lease_until == clock.now() + LEASE
    assert attempts[0].finished_at is None


def test_heartbeats_touch_only_the_attempt(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        (claimed,) = claim(tx, clock)
    clock.advance(timedelta(seconds=20))

    with database.operational() as tx:
        tx.attempts.heartbeat(job_id, 1, lease=LEASE, now=clock.now())

    with database.reading() as tx:
        (attempt,) = tx.attempts.list_attempts(job_id)
        assert tx.jobs.get_job(job_id) == claimed
    assert (attempt.heartbeat_at, attempt.lease_until) == (clock.now(), clock.now() + LEASE)


def test_progress_and_message_are_visible_while_the_job_runs(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        claim(tx, clock)

    with database.operational() as tx:
        tx.attempts.record_progress(job_id, 1, percent=42.5, message="Half.", now=clock.now())

    with database.reading() as tx:
        (running,) = tx.jobs.get_jobs_by_status(JobState.RUNNING)
    assert (running.progress_percent, running.message) == (42.5, "Half.")


def test_a_finished_job_keeps_its_result_and_how_the_attempt_ended(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        claim(tx, clock)
        clock.advance(timedelta(seconds=7))

        ended = tx.attempts.finish(job_id, 1, SUCCESS, now=clock.now())
        (attempt,) = tx.attempts.list_attempts(job_id)

    assert (ended.state, ended.result_data) == (JobState.SUCCEEDED, {"rows": 3})
    assert (ended.progress_percent, ended.message) == (100, "Done.")
    assert ended.completed_at == clock.now()
    assert (attempt.outcome, attempt.finished_at) == (AttemptOutcome.SUCCEEDED, clock.now())


def test_every_write_of_an_older_attempt_is_refused(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        claim(tx, clock)
        tx.attempts.finish(job_id, 1, EXPIRED, now=clock.now())
        (second,) = claim(tx, clock)

    with database.transaction() as tx:
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.heartbeat(job_id, 1, lease=LEASE, now=clock.now())
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.record_progress(job_id, 1, percent=99, message="Late.", now=clock.now())
        with pytest.raises(JobAttemptFencedError, match="Attempt 1"):
            tx.attempts.finish(job_id, 1, SUCCESS, now=clock.now())

    with database.reading() as tx:
        assert tx.jobs.get_job(job_id) == second
        attempts = tx.attempts.list_attempts(job_id)
    assert [each.outcome for each in attempts] == [AttemptOutcome.LEASE_EXPIRED, None]


def test_an_attempt_that_is_over_cannot_write_either(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        claim(tx, clock)
        tx.attempts.finish(job_id, 1, SUCCESS, now=clock.now())

        with pytest.raises(JobAttemptFencedError):
            tx.attempts.finish(job_id, 1, EXPIRED, now=clock.now())
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.heartbeat(job_id, 1, lease=LEASE, now=clock.now())


def test_only_jobs_whose_lease_ran_out_are_lapsed(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        ids = [tx.jobs.create_job(new_job(clock), now=clock.now()).job_id for _ in range(3)]
        claim(tx, clock, limit=3)
        tx.attempts.finish(ids[2], 1, SUCCESS, now=clock.now())
        clock.advance(LEASE / 2)
        tx.attempts.heartbeat(ids[1], 1, lease=LEASE, now=clock.now())
        at_once = tx.attempts.list_lapsed_jobs(now=clock.now())
        clock.advance(LEASE / 2)

        lapsed = tx.attempts.list_lapsed_jobs(now=clock.now())

    assert at_once == []
    assert [job.job_id for job in lapsed] == [ids[0]]


@pytest.mark.parametrize("current", list(JobState))
@pytest.mark.parametrize("wanted", list(JobState))
def test_the_database_lets_a_job_move_only_as_the_table_says(
    sqlite_database: Database, clock: FakeClock, current: JobState, wanted: JobState
) -> None:
    with sqlite_database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        tx.connection.execute(
            text('UPDATE "BackgroundJobs" SET status = :state'), {"state": current}
        )

        may = wanted in TRANSITIONS[current] and JobState.RUNNING not in {current, wanted}
        if may:
            tx.jobs.update_job_status(job_id, wanted, now=clock.now())
        else:
            with pytest.raises(JobStateConflictError):
                tx.jobs.update_job_status(job_id, wanted, now=clock.now())
        found = tx.jobs.get_job(job_id)

    assert found is not None
    assert found.state is (wanted if may else current)
    assert not may or (found.completed_at is not None) == wanted.is_final


def test_moving_a_job_that_is_not_there_says_so(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx, pytest.raises(JobUnknownError):
        tx.jobs.update_job_status(uuid4(), JobState.HELD, now=clock.now())


def test_cancelling_a_waiting_job_ends_it_and_a_running_one_is_only_told(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        running = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        claim(tx, clock)
        queued = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id

        cancelled = tx.jobs.request_cancel(queued, now=clock.now())
        told = tx.jobs.request_cancel(running, now=clock.now())
        (signal,) = tx.attempts.list_signals([running])

    assert (cancelled.state, cancelled.completed_at) == (JobState.CANCELLED, clock.now())
    assert (told.state, told.cancel_requested, told.completed_at) == (JobState.RUNNING, True, None)
    assert signal.cancel_requested


def test_a_job_told_to_cancel_does_not_go_on_but_may_still_succeed(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        ids = [tx.jobs.create_job(new_job(clock), now=clock.now()).job_id for _ in range(2)]
        claim(tx, clock, limit=2)
        for job_id in ids:
            tx.jobs.request_cancel(job_id, now=clock.now())

        expired = tx.attempts.finish(ids[0], 1, EXPIRED, now=clock.now())
        done = tx.attempts.finish(ids[1], 1, SUCCESS, now=clock.now())

    assert (expired.state, expired.completed_at) == (JobState.CANCELLED, clock.now())
    assert done.state is JobState.SUCCEEDED


def test_a_job_that_is_over_cannot_be_cancelled(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        job_id = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        tx.jobs.request_cancel(job_id, now=clock.now())

        with pytest.raises(JobStateConflictError, match="cancelled"):
            tx.jobs.request_cancel(job_id, now=clock.now())


def pause(tx: Transaction, clock: FakeClock, *, job_type: str, service: Service) -> UUID:
    job_id = tx.jobs.create_job(new_job(clock, job_type=job_type), now=clock.now()).job_id
    claim(tx, clock)
    waits = JobEnding(
        state=JobState.PAUSED,
        outcome=AttemptOutcome.PAUSED,
        message="Log in.",
        waits_for_service=service,
    )
    tx.attempts.finish(job_id, 1, waits, now=clock.now())
    return job_id


def test_a_login_completes_its_own_job_and_queues_the_others_of_its_service(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        login = pause(tx, clock, job_type="auto_login", service=Service.KITE)
        other = pause(tx, clock, job_type="data_collection", service=Service.KITE)
        elsewhere = pause(tx, clock, job_type="auto_login", service=Service.BREEZE)

        tx.jobs.resume_after_login(Service.KITE, result={"session": "s"}, now=clock.now())
        found = [tx.jobs.get_job(job_id) for job_id in (login, other, elsewhere)]

    assert [job and job.state for job in found] == [
        JobState.SUCCEEDED,
        JobState.QUEUED,
        JobState.PAUSED,
    ]
    assert [job and job.waits_for_service for job in found] == [None, None, Service.BREEZE]
    assert found[0] is not None
    assert (found[0].result_data, found[0].progress_percent) == ({"session": "s"}, 100)


def test_a_login_stored_while_the_job_was_pausing_is_not_missed(
    database: Database, clock: FakeClock
) -> None:
    granted = BrokerSession(
        service=Service.KITE,
        mode=BrokerMode.SIMULATED,
        access_token="t",
        user_id="AB1234",
        user_name="Asha",
        expires_at=clock.now() + timedelta(hours=8),
        metadata={},
    )
    with database.transaction() as tx:
        tx.auth.save_session(granted, now=clock.now() - timedelta(minutes=1))
        job_id = pause(tx, clock, job_type="data_collection", service=Service.KITE)
        with_an_older_login = tx.jobs.resume_missed(now=clock.now())
        tx.auth.save_session(granted, now=clock.now() + timedelta(microseconds=1))

        resumed = tx.jobs.resume_missed(now=clock.now())
        found = tx.jobs.get_job(job_id)

    assert (with_an_older_login, resumed) == (0, 1)
    assert found is not None
    assert found.state is JobState.QUEUED


def test_cleanup_deletes_only_what_ended_long_ago_with_its_attempts(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        ids = [tx.jobs.create_job(new_job(clock), now=clock.now()).job_id for _ in range(2)]
        claim(tx, clock, limit=2)
        ids.append(tx.jobs.create_job(new_job(clock), now=clock.now()).job_id)
        tx.attempts.finish(ids[0], 1, SUCCESS, now=clock.now())
        clock.advance(timedelta(days=8))
        tx.attempts.finish(ids[1], 1, SUCCESS, now=clock.now())

        deleted = tx.jobs.cleanup_old_jobs(days=7, now=clock.now())
        left = {job.job_id for job in tx.jobs.list_jobs(JobFilter(), limit=10)}
        attempts = tx.attempts.list_attempts(ids[0])

    assert deleted == 1
    assert left == {ids[1], ids[2]}
    assert attempts == []


def test_cleanup_keeps_a_parent_as_long_as_a_child_is_kept(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        parent = tx.jobs.create_job(new_job(clock), now=clock.now()).job_id
        tx.jobs.request_cancel(parent, now=clock.now())
        child = tx.jobs.create_job(new_job(clock, parent_id=parent), now=clock.now()).job_id
        clock.advance(timedelta(days=8))
        too_soon = tx.jobs.cleanup_old_jobs(days=7, now=clock.now())
        tx.jobs.request_cancel(child, now=clock.now())
        clock.advance(timedelta(days=8))

        counts = [tx.jobs.cleanup_old_jobs(days=7, now=clock.now()) for _ in range(2)]

    assert too_soon == 0
    assert sum(counts) == 2


def test_jobs_are_listed_newest_first_in_pages_without_gap_or_repeat(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        for number in range(7):
            tx.jobs.create_job(new_job(clock), now=clock.now())
            if number % 3 == 0:
                clock.advance(timedelta(seconds=1))

        everything = tx.jobs.list_jobs(JobFilter(), limit=100)
        paged: list[Job] = []
        while page := tx.jobs.list_jobs(
            JobFilter(before=(paged[-1].created_at, paged[-1].job_id) if paged else None), limit=2
        ):
            paged += page

    assert len(everything) == 7
    assert paged == everything
    assert [job.created_at for job in paged] == sorted(
        (job.created_at for job in paged), reverse=True
    )


def test_a_list_can_be_narrowed_to_states_and_a_type(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        login = tx.jobs.create_job(new_job(clock, job_type="auto_login"), now=clock.now())
        gone = tx.jobs.create_job(new_job(clock), now=clock.now())
        tx.jobs.request_cancel(gone.job_id, now=clock.now())

        queued = tx.jobs.list_jobs(JobFilter(states=frozenset({JobState.QUEUED})), limit=9)
        collections = tx.jobs.list_jobs(JobFilter(job_type="data_collection"), limit=9)

    assert [job.job_id for job in queued] == [login.job_id]
    assert [job.job_id for job in collections] == [gone.job_id]
