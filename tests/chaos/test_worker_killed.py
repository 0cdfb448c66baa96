"""Workers killed or stopped at any moment: every job ends once, and nothing late is believed."""

import signal
import subprocess
from collections import Counter
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest

from jobs.desk import ASHA
from jobs.handlers import REGISTRY
from jobs.waiting import until
from jobs.worker_process import begin, make_worker, worker_process
from munshi.clock import SystemClock
from munshi.domain.jobs import AttemptOutcome, JobState
from munshi.errors import JobAttemptFencedError
from munshi.infrastructure.database.engine import Database
from munshi.jobs.endings import after_success
from munshi.jobs.service import JobService

LEASE_SECONDS = 1.0
JOBS = 40
KILLS = 2  # one less than the crashes that make a job dead


@pytest.fixture
def live_service(database: Database) -> JobService:
    return JobService(database, SystemClock(), registry=REGISTRY)


def start_hanging_job(service: JobService, process: "subprocess.Popen[str]", folder: Path) -> UUID:
    job_id = service.enqueue("hang", {"text": str(folder)}, actor=ASHA).job_id
    begin(process)
    until((folder / "started-1").exists)
    return job_id


def run_until_succeeded(database: Database, service: JobService, job_id: UUID) -> None:
    """Another worker, which finds the job when its lease has run out."""
    worker = make_worker(database, lease_seconds=LEASE_SECONDS)
    worker.start()
    until(lambda: service.get(job_id).state is JobState.SUCCEEDED)
    worker.stop()


def outcomes(service: JobService, job_id: UUID) -> list[AttemptOutcome | None]:
    return [attempt.outcome for attempt in service.attempts(job_id)]


def test_the_job_of_a_killed_worker_is_finished_once_by_another(
    any_database_url: str, database: Database, live_service: JobService, tmp_path: Path
) -> None:
    with worker_process(any_database_url, lease_seconds=LEASE_SECONDS) as process:
        job_id = start_hanging_job(live_service, process, tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    at_the_kill = live_service.get(job_id).state

    run_until_succeeded(database, live_service, job_id)

    assert at_the_kill is JobState.RUNNING
    assert live_service.get(job_id).result_data == {"attempt": 2}
    assert outcomes(live_service, job_id) == [
        AttemptOutcome.LEASE_EXPIRED,
        AttemptOutcome.SUCCEEDED,
    ]
    assert not (tmp_path / "effect-1").exists()
    with database.transaction() as tx, pytest.raises(JobAttemptFencedError):
        tx.attempts.finish(job_id, 1, after_success({}, "Late."), now=SystemClock().now())


def stop_between_transactions(process: "subprocess.Popen[str]", database: Database) -> None:
    """SIGSTOP, at a moment when the process holds no lock that everybody else would wait for."""
    while True:
        process.send_signal(signal.SIGSTOP)
        writer = Thread(target=_write, args=(database,), daemon=True)
        writer.start()
        writer.join(2)
        if not writer.is_alive():
            return
        process.send_signal(signal.SIGCONT)
        writer.join()


def _write(database: Database) -> None:
    with database.transaction() as tx:
        tx.connection.exec_driver_sql('UPDATE "JobAttempts" SET worker_id = worker_id')


def test_a_worker_stopped_beyond_its_lease_does_nothing_more_when_it_goes_on(
    any_database_url: str, database: Database, live_service: JobService, tmp_path: Path
) -> None:
    with worker_process(any_database_url, lease_seconds=LEASE_SECONDS) as process:
        job_id = start_hanging_job(live_service, process, tmp_path)
        stop_between_transactions(process, database)

        run_until_succeeded(database, live_service, job_id)
        (tmp_path / "go").touch()
        process.send_signal(signal.SIGCONT)
        code = process.wait(30)

    assert code == 0
    assert live_service.get(job_id).result_data == {"attempt": 2}
    assert sorted(path.name for path in tmp_path.glob("effect-*")) == ["effect-2"]


def test_workers_killed_in_a_row_lose_no_job_and_finish_none_twice(
    any_database_url: str, database: Database, live_service: JobService, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.touch()
    with database.transaction() as tx:
        for _ in range(JOBS):
            live_service.enqueue_in(tx, "slow_line", {"text": str(lines)}, actor=ASHA)

    for kill in range(1, KILLS + 1):
        with worker_process(any_database_url, lease_seconds=LEASE_SECONDS) as process:
            begin(process)
            until(lambda kill=kill: len(lines.read_text().splitlines()) >= 10 * kill)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    worker = make_worker(database, lease_seconds=LEASE_SECONDS)
    worker.start()
    until(lambda: all(job.state.is_final for job in live_service.recent(JOBS).jobs))
    worker.stop()

    jobs = live_service.recent(JOBS).jobs
    ends = Counter(outcome for job in jobs for outcome in outcomes(live_service, job.job_id))
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert ends[AttemptOutcome.SUCCEEDED] == JOBS
    assert set(ends) <= {AttemptOutcome.SUCCEEDED, AttemptOutcome.LEASE_EXPIRED}
    assert {line.split()[0] for line in lines.read_text().splitlines()} == {
        str(job.job_id) for job in jobs
    }
