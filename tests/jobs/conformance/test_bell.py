"""News of jobs: rung after the commit, only while somebody waits, heard in other processes."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import text

from clocks import FakeClock
from databases import open_database
from jobs.conformance.bench import Bench
from jobs.conformance.staff import ASHA, REGISTRY, Staff
from jobs.waiting import until
from munshi.clock import SystemClock
from munshi.domain.jobs import JobState
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_exchange import JobExchange, Swapped
from munshi.infrastructure.wake import Wake
from munshi.jobs.rouser import Rouser
from munshi.jobs.service import JobService

LONG = 60.0
LIBPQ = "postgresql+psycopg://", "postgresql://"


@pytest.fixture
def listener(postgresql_url: str) -> Iterator[psycopg.Connection]:
    """Somebody who hears the bell without waiting for jobs."""
    with psycopg.connect(postgresql_url.replace(*LIBPQ), autocommit=True) as connection:
        connection.execute("LISTEN munshi_jobs")
        yield connection


def rings(listener: psycopg.Connection, *, seconds: float = 0.3) -> int:
    return sum(1 for _ in listener.notifies(timeout=seconds))


def asker(database: Database, rouser: Rouser) -> JobService:
    return JobService(database, SystemClock(), registry=REGISTRY, rouse=rouser.rouse)


def test_a_job_of_another_process_is_started_at_once_however_long_the_poll(
    postgresql_url: str, postgresql_database: Database, clock: FakeClock
) -> None:
    staff = Staff(postgresql_database, clock)
    staff.start(poll_seconds=LONG, clock=SystemClock())
    elsewhere = open_database(postgresql_url)
    rouser = Rouser(elsewhere)
    time.sleep(1)

    waits = []
    for _ in range(5):
        began = time.monotonic()
        job_id = asker(elsewhere, rouser).enqueue("echo", {"text": "x"}, actor=ASHA).job_id
        staff.until(JobState.SUCCEEDED, job_id)
        waits.append(time.monotonic() - began)

    staff.close()
    rouser.close()
    elsewhere.close()
    assert max(waits) < 1


def test_nobody_is_told_while_nobody_waits(
    postgresql_database: Database, listener: psycopg.Connection
) -> None:
    rouser = Rouser(postgresql_database)

    for _ in range(3):
        asker(postgresql_database, rouser).enqueue("echo", {"text": "x"}, actor=ASHA)
    rouser.close()

    assert rings(listener) == 0


def test_a_waiting_worker_is_told_once_a_commit_and_only_after_it(
    postgresql_database: Database, clock: FakeClock, listener: psycopg.Connection
) -> None:
    bench = Bench(postgresql_database, clock, "driver")
    exchange = bench.exchange()
    assert exchange.wait(0, for_jobs=True)  # it says that it waits, and wants to look once more
    rouser = Rouser(postgresql_database)
    service = asker(postgresql_database, rouser)

    with postgresql_database.transaction() as tx:
        for _ in range(3):
            service.enqueue_in(tx, "echo", {"text": "x"}, actor=ASHA)
        before = rings(listener)
    after = rings(listener)

    exchange.close()
    rouser.close()
    assert (before, after) == (0, 1)


def test_a_change_that_fails_rings_for_nobody(database: Database) -> None:
    wake = Wake()
    service = JobService(database, SystemClock(), registry=REGISTRY, rouse=wake.set)

    def change_and_fail() -> None:
        with database.transaction() as tx:
            service.enqueue_in(tx, "echo", {"text": "x"}, actor=ASHA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    rung_by_the_failure = wake.take()
    with database.transaction() as tx:
        service.enqueue_in(tx, "echo", {"text": "x"}, actor=ASHA)
        rung_before_the_commit = wake.take()

    assert (rung_by_the_failure, rung_before_the_commit, wake.take()) == (False, False, True)
    assert len(service.recent().jobs) == 1


def test_a_job_that_already_has_the_key_rings_for_nobody(staff: Staff) -> None:
    staff.ask("echo", idempotency_key="k")
    staff.wake.take()

    staff.ask("echo", idempotency_key="k")

    assert not staff.wake.take()


def test_a_bell_whose_connection_was_lost_rings_again(
    postgresql_database: Database, clock: FakeClock, listener: psycopg.Connection
) -> None:
    exchange = Bench(postgresql_database, clock, "driver").exchange()
    exchange.wait(0, for_jobs=True)
    rouser = Rouser(postgresql_database)
    rouser.rouse()
    with postgresql_database.transaction() as tx:
        tx.connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE '%pg_notify%' AND pid <> pg_backend_pid()"
            )
        )
    before = rings(listener)

    rouser.rouse()
    rouser.rouse()

    heard = rings(listener)
    exchange.close()
    rouser.close()
    assert before == 1
    assert heard >= 1


def test_no_wake_up_is_lost_in_many_rounds(staff: Staff) -> None:
    """With a poll of a minute, one that is lost would be seen."""
    staff.start(poll_seconds=LONG, threads=2, clock=SystemClock())
    slowest = 0.0
    for number in range(150):
        began = time.monotonic()
        job_id = staff.ask("brief" if number % 3 else "echo", str(number))
        until(lambda job_id=job_id: staff.state(job_id) is JobState.SUCCEEDED, seconds=20)  # type: ignore[misc]
        slowest = max(slowest, time.monotonic() - began)

    assert slowest < 5


def test_many_who_enqueue_while_a_worker_falls_asleep_lose_no_job(staff: Staff) -> None:
    staff.start(poll_seconds=LONG, clock=SystemClock())

    def ask() -> None:
        for _ in range(25):
            staff.ask("brief")
            time.sleep(0.002)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    until(lambda: len(staff.stage.seen) == 75, seconds=20)


class Between:
    """The real exchange, and what happens elsewhere just after its claim."""

    def __init__(self, real: JobExchange, happens: Callable[[], object]) -> None:
        self._real = real
        self._happens = happens

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._real, name)

    def swap(self, *given: Any, **named: Any) -> Swapped:  # noqa: ANN401
        found = self._real.swap(*given, **named)
        self._happens()
        return found


def test_a_job_that_comes_while_a_thread_finds_no_other_is_taken_at_once(staff: Staff) -> None:
    """Its claim says nothing of a job committed after it, of which the worker has heard already.

    Else that job would be left until the next look.
    """
    worker = staff.worker(poll_seconds=LONG)
    dispatcher = worker._dispatcher  # noqa: SLF001 - just this moment is to be met
    dispatcher.look()
    dispatcher.news()
    real = dispatcher._exchange  # noqa: SLF001

    def a_job_comes() -> None:
        staff.ask("brief")
        dispatcher.news()

    dispatcher._exchange = cast("JobExchange", Between(real, a_job_comes))  # noqa: SLF001
    found = dispatcher.next_brief()
    dispatcher._exchange = real  # noqa: SLF001

    assert found == []
    assert dispatcher.swap() == 1
    worker.run_until_idle()


def test_a_worker_that_waits_to_be_idle_stores_a_late_end_at_once(staff: Staff) -> None:
    """Nothing is left to claim, so the thread that ran the job does not store its end itself."""
    worker = staff.worker(poll_seconds=LONG)
    job_id = staff.ask("brief_wait")
    idle = threading.Thread(target=worker.run_until_idle)
    idle.start()
    assert staff.stage.entered.wait(20)
    time.sleep(0.3)  # the worker waits for it now

    staff.stage.go_on.set()

    idle.join(20)
    assert not idle.is_alive()
    assert staff.service.get(job_id).state is JobState.SUCCEEDED
