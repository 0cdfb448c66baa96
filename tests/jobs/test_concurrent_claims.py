"""Several worker processes on one database."""

from contextlib import ExitStack
from pathlib import Path

from databases import open_database
from jobs.desk import ASHA
from jobs.handlers import REGISTRY
from jobs.worker_process import begin, worker_process
from munshi.clock import SystemClock
from munshi.domain.jobs import JobState
from munshi.jobs.service import JobService

JOBS = 200
PROCESSES = 4


def test_four_processes_run_each_of_200_jobs_exactly_once(
    any_database_url: str, tmp_path: Path
) -> None:
    database = open_database(any_database_url)
    service = JobService(database, SystemClock(), registry=REGISTRY)
    lines = tmp_path / "lines"
    with database.transaction() as tx:
        for _ in range(JOBS):
            service.enqueue_in(tx, "write_line", {"text": str(lines)}, actor=ASHA)

    with ExitStack() as stack:
        workers = [stack.enter_context(worker_process(any_database_url)) for _ in range(PROCESSES)]
        for worker in workers:
            begin(worker)
        codes = [worker.wait(90) for worker in workers]

    jobs = service.recent(JOBS).jobs
    runners = {service.attempts(job.job_id)[0].worker_id for job in jobs}
    database.close()
    assert codes == [0] * PROCESSES
    assert sorted(lines.read_text().splitlines()) == sorted(f"{job.job_id} 1" for job in jobs)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert len(jobs) == JOBS
    assert len(runners) > 1
