"""Handlers that are told to stop and those that do not listen; workers that drain and give up."""

import time
from datetime import timedelta

from jobs.conformance.staff import ASHA, Staff
from jobs.waiting import until
from munshi.domain.jobs import AttemptOutcome, JobState

DEAF = 2.0


def test_a_job_that_is_alive_but_too_slow_is_stopped_and_tried_again(staff: Staff) -> None:
    job_id = staff.ask("slow")
    staff.start()
    assert staff.stage.entered.wait(20)
    staff.clock.advance(timedelta(seconds=4))
    time.sleep(0.3)
    in_time = staff.state(job_id)

    staff.clock.advance(timedelta(seconds=1))

    staff.until(JobState.SCHEDULED, job_id)
    job = staff.get(job_id)
    assert in_time is JobState.RUNNING
    assert (job.errors, job.crashes) == (1, 0)
    assert "longer than the 5 seconds" in (job.error_details or "")
    assert staff.outcomes(job_id) == [AttemptOutcome.TIMED_OUT]


def test_a_deaf_thread_is_fenced_and_counted_and_its_late_result_is_refused(staff: Staff) -> None:
    job_id = staff.ask("deaf")
    worker = staff.start(deaf_seconds=DEAF, threads=1)
    assert staff.stage.entered.wait(20)
    staff.service.cancel(job_id, actor=ASHA)
    time.sleep(0.3)
    before = staff.state(job_id)

    staff.clock.advance(timedelta(seconds=DEAF))
    staff.until(JobState.CANCELLED, job_id)
    following = staff.ask("echo")
    staff.until(JobState.SUCCEEDED, following)
    staff.stage.go_on.set()
    worker.stop(grace=5)

    assert before is JobState.RUNNING
    assert not worker.is_exhausted
    assert staff.state(job_id) is JobState.CANCELLED
    assert staff.outcomes(job_id) == [AttemptOutcome.CANCELLED]


def test_a_deaf_thread_that_took_too_long_is_tried_again_by_another(staff: Staff) -> None:
    job_id = staff.ask("slow_deaf")
    staff.start(deaf_seconds=DEAF)
    assert staff.stage.entered.wait(20)
    staff.clock.advance(timedelta(seconds=5))
    time.sleep(0.3)
    staff.clock.advance(timedelta(seconds=DEAF))

    staff.until(JobState.SCHEDULED, job_id)

    assert staff.outcomes(job_id) == [AttemptOutcome.TIMED_OUT]


def test_a_worker_with_four_deaf_threads_gives_up(staff: Staff) -> None:
    ids = staff.ask_all(*["deaf"] * 4)
    worker = staff.start(deaf_seconds=DEAF, threads=4)
    staff.until(JobState.RUNNING, *ids)
    for job_id in ids:
        staff.service.cancel(job_id, actor=ASHA)
    time.sleep(0.3)

    staff.clock.advance(timedelta(seconds=DEAF))

    staff.until(JobState.CANCELLED, *ids)
    until(lambda: worker.is_exhausted)
    left = staff.ask("echo")
    worker.stop()
    assert staff.state(left) is JobState.QUEUED


def test_a_deaf_thread_that_lost_its_lease_counts_as_well(staff: Staff) -> None:
    ids = staff.ask_all(*["deaf"] * 4)
    worker = staff.start(deaf_seconds=DEAF, threads=4)
    staff.until(JobState.RUNNING, *ids)
    with staff.database.transaction() as tx:
        for job_id in ids:
            tx.connection.exec_driver_sql(
                f"UPDATE \"BackgroundJobs\" SET attempt = attempt + 1 WHERE job_id = '{job_id}'"
            )
    staff.wake.set()
    time.sleep(0.3)

    staff.clock.advance(timedelta(seconds=DEAF))

    until(lambda: worker.is_exhausted, seconds=10)


def test_brief_jobs_behind_a_deaf_one_are_handed_back_and_those_before_it_are_stored(
    staff: Staff,
) -> None:
    before, deaf, behind = staff.ask_all("brief", "brief_deaf", "brief_in_time")
    worker = staff.start(deaf_seconds=DEAF, threads=1)
    assert staff.stage.entered.wait(20)
    staff.clock.advance(timedelta(seconds=2))
    time.sleep(0.3)

    staff.clock.advance(timedelta(seconds=DEAF))

    staff.until(JobState.SCHEDULED, deaf)
    staff.until(JobState.SUCCEEDED, before, behind)
    worker.stop(grace=0)
    assert staff.outcomes(before) == [AttemptOutcome.SUCCEEDED]
    assert staff.outcomes(behind) == [AttemptOutcome.RELEASED, AttemptOutcome.SUCCEEDED]
    assert staff.stage.seen == ["brief", "brief_in_time"]


def test_a_job_cancelled_behind_a_slow_one_costs_no_thread(staff: Staff) -> None:
    slow, behind = staff.ask_all("brief_wait", "brief")
    worker = staff.start(deaf_seconds=DEAF, threads=1)
    assert staff.stage.entered.wait(20)
    staff.service.cancel(behind, actor=ASHA)
    time.sleep(0.3)
    staff.clock.advance(timedelta(seconds=DEAF))
    time.sleep(0.3)
    given_up = worker._crew.abandoned  # noqa: SLF001

    staff.stage.go_on.set()

    staff.until(JobState.SUCCEEDED, slow)
    staff.until(JobState.CANCELLED, behind)
    assert given_up == 0
    assert staff.stage.seen == ["brief_wait"]


def test_a_brief_jobs_time_counts_from_its_own_start(staff: Staff) -> None:
    slow, behind = staff.ask_all("brief_wait", "brief_in_time")
    staff.start(threads=1)
    assert staff.stage.entered.wait(20)
    staff.clock.advance(timedelta(seconds=60))
    time.sleep(0.3)

    staff.stage.go_on.set()

    staff.until(JobState.SUCCEEDED, slow, behind)
    assert staff.outcomes(behind) == [AttemptOutcome.SUCCEEDED]


def test_a_stopping_worker_waits_for_its_grace_and_no_longer(staff: Staff) -> None:
    job_id = staff.ask("deaf")
    worker = staff.start(poll_seconds=30.0)
    assert staff.stage.entered.wait(20)

    began = time.monotonic()
    worker.stop(grace=0.5)
    took = time.monotonic() - began

    assert 0.4 < took < 5
    assert staff.state(job_id) is JobState.QUEUED


def test_a_stopping_worker_gives_each_of_many_jobs_the_whole_grace(staff: Staff) -> None:
    naps = [staff.ask("nap", f"{0.05 * number:.2f}") for number in range(1, 13)]
    last = staff.ask("nap", "1.2")
    worker = staff.start(threads=13, poll_seconds=0.5)
    staff.until(JobState.RUNNING, last)

    worker.stop(grace=5)

    assert set(staff.states([*naps, last])) == {JobState.SUCCEEDED}


def test_a_stopped_worker_takes_nothing_more_and_holds_what_must_not_run_twice(
    staff: Staff,
) -> None:
    once, again = staff.ask("deaf_once"), staff.ask("deaf")
    worker = staff.start(threads=2)
    staff.until(JobState.RUNNING, once, again)
    never = staff.ask("echo")

    worker.stop(grace=0.1)

    assert staff.states([once, again, never]) == [
        JobState.HELD,
        JobState.QUEUED,
        JobState.QUEUED,
    ]
    assert staff.alerts() == [str(once)]
    assert staff.audited(once) == ["enqueue", "held"]
