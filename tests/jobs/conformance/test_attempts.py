"""Leases, life signs and ends: what an attempt that is over says is refused, and nothing else."""

from datetime import timedelta

import pytest

from jobs.conformance.bench import LANES, LEASE, Bench, success_of
from munshi.domain.jobs import (
    AttemptOutcome,
    Job,
    JobArtifact,
    JobEnding,
    JobLogLine,
    JobState,
    LogLevel,
)
from munshi.errors import JobAttemptFencedError
from munshi.infrastructure.database.job_exchange import Wanted

LAPSED = JobEnding(state=JobState.QUEUED, outcome=AttemptOutcome.LEASE_EXPIRED, error="Silence.")
GOOD = JobEnding(
    state=JobState.SUCCEEDED, outcome=AttemptOutcome.SUCCEEDED, percent=100, result={"n": 2}
)


def one_job(bench: Bench) -> Job:
    bench.create()
    (job,) = bench.claim()
    return job


def taken_over(bench: Bench) -> tuple[Job, Job]:
    """The first attempt, whose lease ran out, and the second, which runs."""
    first = one_job(bench)
    with bench.database.transaction() as tx:
        tx.attempts.finish(first.job_id, first.attempt, LAPSED, now=bench.clock.now())
    (second,) = bench.claim(by=bench.exchange("there:2:bb"))
    return first, second


def test_a_heartbeat_extends_the_lease_of_an_attempt_that_is_on(bench: Bench) -> None:
    job = one_job(bench)
    now = bench.pass_time(seconds=20)

    with bench.database.operational() as tx:
        tx.attempts.heartbeat(job.job_id, job.attempt, lease=LEASE, now=now)

    (attempt,) = bench.attempts(job.job_id)
    assert (attempt.lease_until, attempt.heartbeat_at) == (now + LEASE, now)
    assert bench.get(job.job_id) == job


def test_a_job_is_lapsed_from_the_moment_its_lease_is_over(bench: Bench) -> None:
    job = one_job(bench)
    seen = []
    for wait in (LEASE - timedelta(microseconds=1), timedelta(microseconds=1)):
        bench.clock.advance(wait)
        with bench.database.transaction() as tx:
            needed = tx.attempts.needs_recovery(now=bench.clock.now())
            lapsed = tx.attempts.list_lapsed_jobs(now=bench.clock.now())
        seen.append((needed, [one.job_id for one in lapsed]))

    assert seen == [(False, []), (True, [job.job_id])]


def test_progress_life_signs_and_ends_of_an_older_attempt_are_refused(bench: Bench) -> None:
    first, second = taken_over(bench)
    old = first.job_id, first.attempt
    now = bench.clock.now()

    with bench.database.transaction() as tx:
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.record_progress(*old, percent=99, message="Late.", now=now)
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.heartbeat(*old, lease=LEASE, now=now)
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.check_running(*old)
        with pytest.raises(JobAttemptFencedError):
            tx.attempts.finish(*old, GOOD, now=now)

    assert bench.succeed(first) == set()
    assert bench.get(first.job_id) == second
    outcomes = [attempt.outcome for attempt in bench.attempts(first.job_id)]
    assert outcomes == [AttemptOutcome.LEASE_EXPIRED, None]


def test_log_lines_and_artifacts_roll_back_with_the_fence_that_refuses_them(bench: Bench) -> None:
    first, _ = taken_over(bench)
    now = bench.clock.now()
    line = JobLogLine(
        job_id=first.job_id,
        attempt=first.attempt,
        line=1,
        logged_at=now,
        level=LogLevel.INFO,
        event="Late.",
        fields=None,
    )
    artifact = JobArtifact(
        job_id=first.job_id,
        attempt=first.attempt,
        name="late.txt",
        path="late.txt",
        sha256=b"0" * 32,
        size=1,
        media_type="text/plain",
        created_at=now,
    )

    def say() -> None:
        with bench.database.operational() as tx:
            tx.job_logs.append([line])
            tx.attempts.heartbeat(first.job_id, first.attempt, lease=LEASE, now=now)

    def leave() -> None:
        with bench.database.transaction() as tx:
            tx.job_logs.save_artifact(artifact)
            tx.attempts.check_running(first.job_id, first.attempt)

    for write in (say, leave):
        with pytest.raises(JobAttemptFencedError):
            write()

    with bench.database.reading() as tx:
        assert tx.job_logs.list_lines(first.job_id) == []
        assert tx.job_logs.list_artifacts(first.job_id) == []


def test_a_batch_of_successes_is_stored_with_results_and_attempts(bench: Bench) -> None:
    ids = [bench.create() for _ in range(4)]
    jobs = bench.claim()
    now = bench.pass_time(seconds=3)

    kept = bench.swap(
        [
            success_of(job, message=f"Job {n}.", result=f'{{"n":{n},"é":"ß"}}')
            for n, job in enumerate(jobs)
        ]
    ).kept

    ended = [bench.get(job.job_id) for job in jobs]
    assert kept == set(ids)
    assert [job.result_data for job in ended] == [{"n": n, "é": "ß"} for n in range(4)]
    assert [job.message for job in ended] == [f"Job {n}." for n in range(4)]
    assert {(job.state, job.progress_percent, job.completed_at) for job in ended} == {
        (JobState.SUCCEEDED, 100, now)
    }
    attempts = [attempt for job_id in ids for attempt in bench.attempts(job_id)]
    assert {(each.outcome, each.finished_at) for each in attempts} == {
        (AttemptOutcome.SUCCEEDED, now)
    }


def test_a_fenced_success_in_the_middle_of_a_batch_is_left_out_and_the_others_stay(
    bench: Bench,
) -> None:
    for _ in range(3):
        bench.create()
        bench.pass_time(seconds=1)
    jobs = bench.claim()
    with bench.database.transaction() as tx:
        tx.attempts.finish(jobs[1].job_id, 1, LAPSED, now=bench.clock.now())
    (again,) = bench.claim(by=bench.exchange("there:2:bb"))

    kept = bench.succeed(*jobs)

    assert kept == {jobs[0].job_id, jobs[2].job_id}
    assert bench.get(again.job_id) == again
    assert [each.outcome for each in bench.attempts(again.job_id)] == [
        AttemptOutcome.LEASE_EXPIRED,
        None,
    ]


def test_one_success_told_twice_counts_once(bench: Bench) -> None:
    job = one_job(bench)
    first = bench.succeed(job)
    bench.pass_time(seconds=9)

    second = bench.succeed(job, result='{"n": 2}')

    assert (first, second) == ({job.job_id}, set())
    assert bench.get(job.job_id).result_data == {"n": 1}


def test_ends_are_stored_and_the_next_jobs_taken_in_one_exchange(bench: Bench) -> None:
    job = one_job(bench)
    following = bench.create("move")

    swapped = bench.exchange().swap([success_of(job)], [Wanted(LANES, 5)], now=bench.clock.now())

    assert swapped.kept == {job.job_id}
    assert [[each.job_id for each in jobs] for jobs in swapped.claimed] == [[following]]


def test_a_result_that_the_database_refuses_leaves_the_batch_as_it_was(bench: Bench) -> None:
    bench.create(), bench.create()
    jobs = bench.claim()
    done = [success_of(jobs[0]), success_of(jobs[1], message="\ud800")]

    with pytest.raises(UnicodeEncodeError):
        bench.swap(done)

    assert {bench.state(job.job_id) for job in jobs} == {JobState.RUNNING}
    assert bench.succeed(*jobs) == {job.job_id for job in jobs}


def test_a_job_told_to_cancel_may_still_succeed(bench: Bench) -> None:
    job = one_job(bench)
    with bench.database.transaction() as tx:
        tx.jobs.request_cancel(job.job_id, now=bench.clock.now())

    assert bench.succeed(job) == {job.job_id}

    assert bench.state(job.job_id) is JobState.SUCCEEDED
