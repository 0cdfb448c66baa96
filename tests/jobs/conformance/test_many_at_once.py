"""People who act on many jobs while workers end them: nobody is refused by the database."""

import threading

from jobs.conformance.bench import Bench, success_of
from jobs.conformance.staff import ASHA
from munshi.domain.jobs import JobState
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.jobs.bulk import BulkAction, BulkService

ROUNDS = 12
JOBS = 60


def test_many_jobs_are_cancelled_while_their_worker_stores_their_ends(plain_bench: Bench) -> None:
    bench = plain_bench
    bulk = BulkService(bench.database, bench.clock, rouse=lambda: None)
    failures: list[DatabaseUnreachableError] = []

    for _ in range(ROUNDS):
        with bench.database.transaction() as tx:
            for _job in range(JOBS):
                tx.jobs.create_job(bench.new(), now=bench.clock.now())
                bench.pass_time(milliseconds=1)
        jobs = bench.claim(JOBS)
        start = threading.Barrier(2)

        def cancel(start: threading.Barrier = start) -> None:
            start.wait(10)
            try:
                bulk.apply(BulkAction.CANCEL, JobFilter(), actor=ASHA)
            except DatabaseUnreachableError as error:
                failures.append(error)

        person = threading.Thread(target=cancel)
        person.start()
        start.wait(10)
        for size in range(0, JOBS, 20):
            try:
                bench.swap([success_of(job) for job in jobs[size : size + 20]])
            except DatabaseUnreachableError as error:
                failures.append(error)
        person.join(60)

    assert failures == []
    with bench.database.reading() as tx:
        left = tx.jobs.list_jobs(JobFilter(states=frozenset({JobState.SUCCEEDED})), limit=10_000)
    assert len(left) == ROUNDS * JOBS
