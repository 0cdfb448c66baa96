"""Workers and queues: limits from the configuration, retries by the type, jobs nobody can run."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from databases import open_database
from jobs.conformance.staff import ASHA, REGISTRY, Staff
from jobs.desk import ASHA as DESK_ASHA
from jobs.handlers import REGISTRY as DESK_REGISTRY
from jobs.waiting import until
from jobs.worker_process import begin, worker_process
from munshi.clock import SystemClock
from munshi.domain.jobs import JobState
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.jobs.recovery import UNCLAIMABLE_AFTER, hold_unclaimable
from munshi.jobs.service import JobRequest, JobService


def set_limit(database: Database, **limits: int) -> None:
    with database.transaction() as tx:
        tx.config.set_config(
            "jobs", "queue.narrow", dict(limits), updated_by="asha", now=SystemClock().now()
        )


def test_jobs_of_a_limited_queue_follow_each_other_without_waiting_for_a_poll(
    staff: Staff,
) -> None:
    set_limit(staff.database, limit=1)
    with staff.database.transaction() as tx:
        for _ in range(12):
            staff.service.enqueue_in(
                tx, "echo", {"text": "x"}, actor=ASHA, request=JobRequest(queue="narrow")
            )

    staff.start(poll_seconds=60.0)

    until(lambda: len(staff.stage.seen) == 12, seconds=15)


@pytest.mark.parametrize("how", ["success", "error", "cancel", "deadline"])
def test_the_next_job_of_a_full_queue_starts_however_the_one_before_ended(
    staff: Staff, how: str
) -> None:
    set_limit(staff.database, limit=1)
    job_type = {"success": "wait", "error": "fail", "cancel": "wait", "deadline": "slow"}[how]
    first = staff.ask(job_type, queue="narrow")
    staff.start(poll_seconds=60.0)
    if how != "error":
        assert staff.stage.entered.wait(20)
    staff.clock.advance(timedelta(seconds=1))
    second = staff.ask("echo", queue="narrow")

    if how == "cancel":
        staff.service.cancel(first, actor=ASHA)
    elif how == "deadline":
        staff.clock.advance(timedelta(seconds=5))
    else:
        staff.stage.go_on.set()

    staff.until(JobState.SUCCEEDED, second)
    assert staff.state(first) is not JobState.RUNNING


def count_running(database: Database, over: threading.Event, seen: list[int]) -> None:
    statement = text("SELECT COUNT(*) FROM \"BackgroundJobs\" WHERE status = 'running'")
    places = text("SELECT COUNT(*) FROM \"JobSlots\" WHERE concurrency_key = ''")
    while not over.is_set():
        with database.reading() as tx:
            running = tx.connection.execute(statement).scalar_one()
            assert running == tx.connection.execute(places).scalar_one()
            seen.append(running)
        time.sleep(0.002)


def test_worker_processes_together_never_overshoot_a_limit(
    any_database_url: str, tmp_path: Path
) -> None:
    database = open_database(any_database_url)
    set_limit(database, limit=2)
    service = JobService(database, SystemClock(), registry=DESK_REGISTRY)
    lines = tmp_path / "lines"
    with database.transaction() as tx:
        for _ in range(24):
            service.enqueue_in(
                tx,
                "slow_line",
                {"text": str(lines)},
                actor=DESK_ASHA,
                request=JobRequest(queue="narrow"),
            )
    seen: list[int] = []
    over = threading.Event()
    counter = threading.Thread(target=count_running, args=(database, over, seen))

    with ExitStack() as stack:
        workers = [stack.enter_context(worker_process(any_database_url)) for _ in range(3)]
        counter.start()
        for worker in workers:
            begin(worker)
        codes = [worker.wait(90) for worker in workers]
    over.set()
    counter.join(10)

    database.close()
    assert codes == [0, 0, 0]
    assert len(lines.read_text().splitlines()) == 24
    assert max(seen) == 2


def tries(staff: Staff, job_id: UUID) -> list[float]:
    """How long was waited after each failed try."""
    waits = []
    while staff.state(job_id) not in {JobState.DEAD, JobState.FAILED}:
        staff.run_until_idle()
        job = staff.get(job_id)
        if job.state is JobState.SCHEDULED:
            waits.append((job.run_at - staff.clock.now()).total_seconds())
            staff.clock.set(job.run_at)
    return waits


def test_waits_between_tries_double_with_jitter_up_to_the_types_longest(staff: Staff) -> None:
    first, second = staff.ask("unavailable"), staff.ask("unavailable", priority=3)

    waits, others = tries(staff, first), tries(staff, second)

    assert len(waits) == 3
    for waited, plain in zip(waits, (10, 20, 25), strict=True):
        assert 0.75 * plain <= waited <= 1.25 * plain
    assert waits != others or not others
    assert staff.get(first).errors == 4
    assert staff.audited(first) == ["enqueue", "dead"]


def pass_ten_minutes(staff: Staff) -> None:
    staff.clock.advance(UNCLAIMABLE_AFTER + timedelta(seconds=1))


def remove_queue(staff: Staff) -> UUID:
    set_limit(staff.database)
    job_id = staff.ask("echo", queue="narrow")
    with staff.database.transaction() as tx:
        tx.connection.execute(
            text("DELETE FROM \"SystemConfigurations\" WHERE config_key = 'queue.narrow'")
        )
    return job_id


def forget_type(staff: Staff) -> UUID:
    job_id = staff.ask("echo")
    with staff.database.transaction() as tx:
        tx.connection.execute(text("UPDATE \"BackgroundJobs\" SET job_type = 'gone'"))
    return job_id


@pytest.mark.parametrize(
    ("lose", "why"),
    [(remove_queue, "There is no queue 'narrow'"), (forget_type, "knows the job type 'gone'")],
)
def test_a_job_that_nobody_can_run_is_held_after_ten_minutes_with_an_alert(
    staff: Staff, lose: Callable[[Staff], UUID], why: str
) -> None:
    job_id = lose(staff)
    staff.clock.advance(UNCLAIMABLE_AFTER)
    staff.run_until_idle()
    in_time = staff.state(job_id), staff.alerts()

    staff.clock.advance(timedelta(seconds=1))
    staff.run_until_idle()

    assert in_time == (JobState.QUEUED, [])
    assert staff.state(job_id) is JobState.HELD
    assert why in (staff.get(job_id).error_details or "")
    assert staff.alerts() == [str(job_id)]
    assert staff.audited(job_id)[-1] == "held"


def test_workers_that_hold_the_same_jobs_at_once_do_not_disturb_each_other(staff: Staff) -> None:
    ids = staff.ask_all(*["echo"] * 30)
    pass_ten_minutes(staff)
    lanes = [Lane("default", name) for name in REGISTRY if name != "echo"]
    held: list[UUID] = []
    failures: list[Exception] = []
    start = threading.Barrier(3)

    def hold() -> None:
        start.wait(10)
        try:
            held.extend(job.job_id for job in hold_unclaimable(staff.database, staff.clock, lanes))
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            failures.append(error)

    threads = [threading.Thread(target=hold) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert sorted(held) == sorted(ids)
    assert sorted(staff.alerts()) == sorted(map(str, ids))  # type: ignore[type-var]
