"""Lost workers: their jobs come back by lease expiry alone, and what they say late is refused."""

from datetime import timedelta
from uuid import UUID

import pytest

from clocks import FakeClock
from jobs.desk import ASHA, Desk
from jobs.handlers import REGISTRY
from jobs.waiting import until
from munshi.domain.jobs import AttemptOutcome, Job, JobState
from munshi.infrastructure.database.job_claims import Lane
from munshi.jobs.endings import after_silence, record_ending
from munshi.jobs.recovery import recover
from munshi.jobs.worker import Worker

LEASE = timedelta(seconds=30)


def lose(desk: Desk, job_id: UUID) -> None:
    """A worker claims the job and is never heard of again."""
    assert desk.claim("gone:1:aa", lease=LEASE).job_id == job_id


def test_a_running_job_is_left_alone_at_start_while_its_lease_lasts(desk: Desk) -> None:
    job_id = desk.ask("echo")
    lose(desk, job_id)
    desk.clock.advance(LEASE - timedelta(seconds=1))

    ran = desk.run_until_idle()

    assert ran == 0
    assert desk.get(job_id).state is JobState.RUNNING


def test_a_lost_job_runs_again_when_its_lease_has_run_out(desk: Desk) -> None:
    job_id = desk.ask("echo", "again")
    lose(desk, job_id)
    desk.clock.advance(LEASE)

    ran = desk.run_until_idle()

    job = desk.get(job_id)
    assert ran == 1
    assert (job.state, job.attempt, job.error_details) == (JobState.SUCCEEDED, 2, None)
    assert desk.outcomes(job_id) == [AttemptOutcome.LEASE_EXPIRED, AttemptOutcome.SUCCEEDED]
    assert desk.stage.seen == ["again"]


def test_a_lost_job_that_must_not_run_twice_is_held_and_a_person_is_asked(desk: Desk) -> None:
    job_id = desk.ask("hang_once")
    lose(desk, job_id)
    desk.clock.advance(LEASE)

    ran = desk.run_until_idle()

    job = desk.get(job_id)
    with desk.database.reading() as tx:
        (alert,) = tx.alerts.list_open_alerts()
    assert (ran, job.state) == (0, JobState.HELD)
    assert "lease ran out" in (job.error_details or "")
    assert (alert.kind, alert.subject) == ("job_held", str(job_id))
    assert desk.audited(job_id) == ["enqueue", "held"]


def test_a_job_of_a_type_nobody_knows_is_held_not_repeated(desk: Desk) -> None:
    job_id = desk.ask("echo")
    lose(desk, job_id)
    desk.clock.advance(LEASE)

    recover(desk.database, desk.clock, {})

    assert desk.get(job_id).state is JobState.HELD


def test_a_job_that_kills_its_workers_is_dead_after_some_crashes(desk: Desk) -> None:
    job_id = desk.ask("echo")

    for _ in range(REGISTRY["echo"].max_crashes):
        lose(desk, job_id)
        desk.clock.advance(LEASE)
        recover(desk.database, desk.clock, REGISTRY)

    job = desk.get(job_id)
    assert (job.state, job.attempt) == (JobState.DEAD, REGISTRY["echo"].max_crashes)
    assert desk.outcomes(job_id) == [AttemptOutcome.LEASE_EXPIRED] * REGISTRY["echo"].max_crashes
    assert desk.audited(job_id) == ["enqueue", "dead"]


@pytest.mark.parametrize("job_type", ["echo", "hang_once"])
def test_a_lost_job_that_was_told_to_cancel_is_cancelled(desk: Desk, job_type: str) -> None:
    job_id = desk.ask(job_type)
    lose(desk, job_id)
    desk.service.cancel(job_id, actor=ASHA)
    desk.clock.advance(LEASE)

    ran = desk.run_until_idle()

    assert ran == 0
    assert desk.get(job_id).state is JobState.CANCELLED
    assert desk.outcomes(job_id) == [AttemptOutcome.LEASE_EXPIRED]


def begin(desk: Desk, clock: FakeClock, job_id: UUID) -> Worker:
    worker = desk.worker(clock=clock, threads=1, lease_seconds=3000)
    worker.start()
    assert desk.stage.entered.wait(20)
    assert desk.get(job_id).attempt == 1
    return worker


def take_over(desk: Desk, job_id: UUID) -> Job:
    """Recovery and the next worker's claim in one step, so that nobody else comes between."""
    with desk.database.transaction() as tx:
        lost = tx.jobs.get_job(job_id)
        assert lost is not None
        spec = REGISTRY[lost.job_type]
        record_ending(tx, lost, after_silence(lost, spec), spec=spec, now=desk.clock.now())
        lanes = [Lane(lost.queue, lost.job_type)]
        (taken,) = tx.attempts.claim_jobs(
            "next:2:bb", lanes=lanes, limit=1, lease=LEASE, now=desk.clock.now()
        )
    assert (taken.job_id, taken.attempt) == (job_id, 2)
    return taken


def test_a_stopped_process_that_wakes_after_its_lease_asks_before_it_goes_on(desk: Desk) -> None:
    job_id = desk.ask("wait")
    its_clock = FakeClock(desk.clock.now())
    worker = begin(desk, its_clock, job_id)
    desk.clock.advance(timedelta(hours=1))

    # A row that its keeper is writing at this moment is left for the next recovery.
    until(lambda: bool(recover(desk.database, desk.clock, REGISTRY)))
    its_clock.set(desk.clock.now())
    desk.stage.go_on.set()
    worker.stop(grace=20)

    assert "attempt 1 went on" not in desk.stage.seen
    assert desk.outcomes(job_id)[0] is AttemptOutcome.LEASE_EXPIRED


def test_a_late_result_of_a_lost_attempt_is_refused(desk: Desk) -> None:
    job_id = desk.ask("deaf")
    worker = begin(desk, FakeClock(desk.clock.now()), job_id)
    taken_over = take_over(desk, job_id)

    desk.stage.go_on.set()
    worker.stop(grace=20)

    assert desk.get(job_id) == taken_over
    assert desk.outcomes(job_id) == [AttemptOutcome.LEASE_EXPIRED, None]


def test_a_fenced_handler_is_stopped_at_its_next_progress_call(desk: Desk) -> None:
    job_id = desk.ask("chatter")
    worker = begin(desk, FakeClock(desk.clock.now()), job_id)

    taken_over = take_over(desk, job_id)
    worker.stop(grace=20)

    assert desk.get(job_id) == taken_over


def test_heartbeats_keep_a_long_job_from_being_taken_over(desk: Desk) -> None:
    job_id = desk.ask("wait")
    worker = desk.worker(lease_seconds=3)
    worker.start()
    assert desk.stage.entered.wait(20)

    for _ in range(4):
        desk.clock.advance(timedelta(seconds=2))
        until(lambda: desk.service.attempts(job_id)[0].heartbeat_at == desk.clock.now())
        recover(desk.database, desk.clock, REGISTRY)
    desk.stage.go_on.set()
    worker.stop(grace=20)

    assert desk.get(job_id).state is JobState.SUCCEEDED
    assert desk.outcomes(job_id) == [AttemptOutcome.SUCCEEDED]
