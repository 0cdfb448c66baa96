"""Promotion of scheduled jobs, keys under which there is one job, and retries by a person."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from jobs.conformance.bench import Bench
from munshi.domain.jobs import AttemptOutcome, JobEnding, JobState
from munshi.errors import JobStateConflictError

HOUR = timedelta(hours=1)


def test_a_scheduled_job_is_queued_when_its_time_has_come_and_not_before(bench: Bench) -> None:
    now = bench.clock.now()
    early = bench.create(run_at=now + timedelta(seconds=1), priority=1)
    late = bench.create(run_at=now + HOUR)

    too_soon = bench.promote(), bench.claim()
    bench.pass_time(seconds=1)
    promoted = bench.promote()

    assert too_soon == (0, [])
    assert (promoted, bench.state(early), bench.state(late)) == (
        1,
        JobState.QUEUED,
        JobState.SCHEDULED,
    )
    assert [job.job_id for job in bench.claim()] == [early]


def test_two_who_promote_at_once_queue_each_job_once(bench: Bench) -> None:
    bench.skip_where_locks_are_ignored()
    ids = [bench.create(run_at=bench.clock.now() + HOUR) for _ in range(40)]
    bench.pass_time(hours=1)
    counts: list[int] = []

    threads = [threading.Thread(target=lambda: counts.append(bench.promote())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(counts) == 40
    assert {job.job_id for job in bench.claim(100)} == set(ids)


def test_a_key_belongs_to_one_live_job_and_is_free_after_its_end(bench: Bench) -> None:
    first = bench.create(idempotency_key="nifty")
    again = bench.create("move", idempotency_key="nifty")
    (job,) = bench.claim()
    while_it_runs = bench.create(idempotency_key="nifty")
    bench.succeed(job)

    after = bench.create(idempotency_key="nifty")

    assert first == again == while_it_runs
    assert after != first


def test_a_key_with_a_period_belongs_to_one_job_until_then_even_if_it_has_ended(
    bench: Bench,
) -> None:
    until = bench.clock.now() + HOUR
    first = bench.create(idempotency_key="nifty", idempotency_until=until)
    bench.succeed(*bench.claim())
    bench.clock.set(until - timedelta(seconds=1))
    within = bench.create(idempotency_key="nifty")
    bench.clock.set(until)

    after = bench.create(idempotency_key="nifty", idempotency_until=until + HOUR)
    again = bench.create(idempotency_key="nifty")

    assert within == first
    assert after not in {first, within}
    assert again == after


def test_a_live_job_keeps_its_key_beyond_the_period(bench: Bench) -> None:
    first = bench.create(
        idempotency_key="nifty", idempotency_until=bench.clock.now() + timedelta(seconds=1)
    )
    bench.pass_time(hours=1)

    assert bench.create(idempotency_key="nifty") == first


@pytest.mark.parametrize("period", [None, HOUR])
@pytest.mark.parametrize("expired", [False, True])
def test_many_who_ask_at_once_under_one_key_get_one_job(
    bench: Bench, period: timedelta | None, *, expired: bool
) -> None:
    bench.skip_where_locks_are_ignored()
    until = bench.clock.now() + period if period else None
    old = bench.create(idempotency_key="nifty", idempotency_until=until) if expired else None
    bench.succeed(*bench.claim())
    bench.pass_time(hours=2)
    until = bench.clock.now() + period if period else None
    got: list[UUID] = []

    def ask() -> None:
        got.append(bench.create(idempotency_key="nifty", idempotency_until=until))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(got) == 6
    assert len(set(got)) == 1
    assert old not in got


def fail(bench: Bench, job_id: UUID, *, crashed: bool = False) -> None:
    (job,) = bench.claim()
    assert job.job_id == job_id
    ending = JobEnding(
        state=JobState.DEAD,
        outcome=AttemptOutcome.CRASHED if crashed else AttemptOutcome.ERROR,
        error="No.",
    )
    with bench.database.transaction() as tx:
        tx.attempts.finish(job_id, job.attempt, ending, now=bench.clock.now())


def test_errors_and_crashes_are_counted_apart_and_both_anew_after_a_persons_retry(
    bench: Bench,
) -> None:
    job_id = bench.create(priority=7)
    counted = []
    for crashed in (False, True, True):
        fail(bench, job_id, crashed=crashed)
        job = bench.get(job_id)
        counted.append((job.errors, job.crashes))
        with bench.database.transaction() as tx:
            job = tx.jobs.retry_job(job_id, now=bench.pass_time(minutes=1))

    assert counted == [(1, 0), (0, 1), (0, 1)]
    assert (job.state, job.errors, job.crashes, job.attempt) == (JobState.QUEUED, 0, 0, 3)
    assert (job.error_details, job.completed_at, job.run_at) == (None, None, bench.clock.now())
    (claimed,) = bench.claim()
    assert (claimed.job_id, claimed.attempt) == (job_id, 4)


def test_a_retry_is_refused_while_another_job_has_the_key(bench: Bench) -> None:
    job_id = bench.create(idempotency_key="nifty")
    fail(bench, job_id)
    other = bench.create(idempotency_key="nifty")

    with (
        bench.database.transaction() as tx,
        pytest.raises(JobStateConflictError, match="another one with its idempotency key"),
    ):
        tx.jobs.retry_job(job_id, now=bench.clock.now())

    assert (bench.state(job_id), bench.state(other)) == (JobState.DEAD, JobState.QUEUED)
