"""Five schedulers on one database: every due time has one row and one job, and no more."""

import threading
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from clocks import FakeClock
from databases import open_database
from jobs.waiting import until
from munshi.clock import SystemClock
from munshi.config.service import ConfigService
from munshi.domain.schedules import Execution, ExecutionStatus, ScheduleCursor
from munshi.infrastructure.database.engine import Database
from scheduler.desk import ASHA, MINUTE, Desk, document, every
from scheduler.scheduler_process import end, scheduler_process

SCHEDULERS = 5
NAMES = [f"s{number}" for number in range(4)]
FIRED = ExecutionStatus.FIRED


def rows_of(database: Database, name: str) -> list[Execution]:
    with database.reading() as tx:
        return tx.schedules.list_executions(name, limit=1000)[::-1]


def test_five_that_look_at_the_same_moment_store_each_due_time_once(desk: Desk) -> None:
    for name in NAMES:
        desk.save(every(5), name=name)
    schedulers = [desk.scheduler() for _ in range(SCHEDULERS)]
    began = desk.clock.now()
    together = threading.Barrier(SCHEDULERS)
    fired: list[int] = []

    def look(number: int) -> None:
        together.wait()
        fired.append(schedulers[number].tick())

    for _ in range(6):
        threads = [threading.Thread(target=look, args=(each,)) for each in range(SCHEDULERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk.clock.advance(5 * MINUTE)

    wanted = [began + turn * 5 * MINUTE for turn in range(1, 6)]
    jobs = desk.stored_jobs()
    assert sum(fired) == len(NAMES) * len(wanted)
    assert [desk.due_times(FIRED, name) for name in NAMES] == [wanted] * len(NAMES)
    assert {row.job_id for name in NAMES for row in desk.rows(name)} == {job.job_id for job in jobs}
    assert len(jobs) == len(NAMES) * len(wanted)


def test_an_edit_counts_within_a_second_in_every_thread(desk: Desk) -> None:
    clock = SystemClock()
    config = ConfigService(desk.database, clock)
    schedulers = [desk.scheduler(clock=clock) for _ in range(SCHEDULERS)]
    for scheduler in schedulers:
        scheduler.start()

    config.set("scheduler", "schedule.s0", document(every(1, "seconds")), actor=ASHA)
    saved = clock.now()
    until(lambda: bool(rows_of(desk.database, "s0")))
    noticed = clock.now()
    config.set("scheduler", "schedule.s0", document(every(1, "days")), actor=ASHA)
    stopped = clock.now()
    threading.Event().wait(2)

    rows = rows_of(desk.database, "s0")
    # A second until it is due, less than one until it is noticed, one for a busy machine.
    assert noticed - saved < timedelta(seconds=3)
    assert [row for row in rows if row.scheduled_for > stopped] == []
    assert {row.status for row in rows} <= {FIRED, ExecutionStatus.MISSED}


@pytest.mark.parametrize("killed", [0, 2])
def test_five_processes_store_each_due_time_once(any_database_url: str, killed: int) -> None:
    database, clock = open_database(any_database_url), SystemClock()
    config = ConfigService(database, clock)
    for name in NAMES:
        config.set("scheduler", f"schedule.{name}", document(every(1, "seconds")), actor=ASHA)

    with ExitStack() as stack:
        processes = [
            stack.enter_context(scheduler_process(any_database_url)) for _ in range(SCHEDULERS)
        ]
        until(lambda: len(rows_of(database, "s0")) >= 4)
        for process in processes[:killed]:
            process.kill()
        seen = len(rows_of(database, "s0"))
        until(lambda: len(rows_of(database, "s0")) >= seen + 3)
        codes = [end(process) for process in processes[killed:]]

    with database.reading() as tx:
        rows = {name: tx.schedules.list_executions(name, limit=1000)[::-1] for name in NAMES}
        jobs = [job for job in map(tx.jobs.get_job, _job_ids(rows)) if job is not None]
    database.close()
    assert codes == [0] * (SCHEDULERS - killed)
    for of_one in rows.values():
        due = [row.scheduled_for for row in of_one]
        steps = {after - before for before, after in pairwise(due)}
        assert steps == {timedelta(seconds=1)}
    fired = [row for of_one in rows.values() for row in of_one if row.status is FIRED]
    assert len({row.job_id for row in fired}) == len(fired) == len(jobs)


def _job_ids(rows: dict[str, list[Execution]]) -> list[UUID]:
    return [row.job_id for of_one in rows.values() for row in of_one if row.job_id]


def test_a_server_that_drops_its_connections_does_not_end_the_scheduler(
    postgresql_database: Database, clock: FakeClock
) -> None:
    desk = Desk(postgresql_database, clock)
    desk.save(every(5))
    scheduler = desk.scheduler()
    scheduler.start()
    until(lambda: bool(_cursors(desk)))

    for _ in range(5):
        with postgresql_database.transaction() as tx:
            tx.connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        threading.Event().wait(0.1)
    clock.advance(5 * MINUTE)

    until(lambda: bool(desk.rows()))
    desk.close()
    assert [row.status for row in desk.rows()] == [FIRED]


def _cursors(desk: Desk) -> list[ScheduleCursor]:
    with desk.database.reading() as tx:
        return tx.schedules.list_cursors()
