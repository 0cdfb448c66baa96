"""The real programs killed with SIGKILL in a loop: `munshi worker`, and one of five schedulers."""

import random
import signal
import time
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from chaos.campaign import IS_LONG, SEED, Telling, on
from chaos.verdict import settle
from databases import open_database
from jobs.desk import ASHA
from jobs.waiting import until
from munshi.bootstrap import JOB_TYPES
from munshi.clock import SystemClock
from munshi.config.service import ConfigService
from munshi.domain.jobs import HEALTH_SWEEP, SESSION_CLEANUP, AttemptOutcome, JobState
from munshi.domain.schedules import ExecutionStatus
from munshi.jobs.service import JobService
from processes import MunshiProcess, environment, run_munshi
from scheduler.desk import document, every
from scheduler.scheduler_process import end, scheduler_process

KILLS = 15 if IS_LONG else 2
JOBS_A_KILL = 6
SCHEDULERS = 5


@on("sqlite")
@pytest.mark.timeout(400)
def test_munshi_worker_killed_in_a_loop(
    any_database_url: str, tmp_path: Path, telling: Telling
) -> None:
    env = environment(tmp_path, MUNSHI_DATABASE_URL=any_database_url, MUNSHI_LEASE_SECONDS="1")
    chance = random.Random(SEED)  # noqa: S311 - chaos that can be repeated
    database = open_database(any_database_url)
    service = JobService(database, SystemClock(), registry=JOB_TYPES)

    asked = []
    for _ in range(KILLS):
        asked += [
            service.enqueue(kind_of_job, {}, actor=ASHA).job_id
            for kind_of_job in (HEALTH_SWEEP, SESSION_CLEANUP)
            for _ in range(JOBS_A_KILL)
        ]
        with MunshiProcess("worker", "--no-scheduler", env=env, cwd=tmp_path) as worker:
            until(lambda: bool(service.running()), seconds=60)
            time.sleep(chance.uniform(0, 0.5))
            worker.stop(signal.SIGKILL)
    left = run_munshi("worker", "--until-idle", env=env, cwd=tmp_path)
    with MunshiProcess("worker", "--no-scheduler", env=env, cwd=tmp_path) as worker:
        settle(database)
        worker.wait_until_said("waits for jobs")
        code = worker.stop(signal.SIGTERM)
    jobs = [service.get(job_id) for job_id in asked]
    ends = [attempt.outcome for job_id in asked for attempt in service.attempts(job_id)]
    database.close()

    telling.say(
        f"{telling.name}: seed {SEED}; {KILLS} kills; {len(jobs)} jobs; {len(ends)} attempts, "
        f"{ends.count(AttemptOutcome.LEASE_EXPIRED)} lapsed"
    )
    assert left.returncode == 0
    assert code == 0
    assert all(job.state is JobState.SUCCEEDED or job.error_details for job in jobs)
    assert ends.count(AttemptOutcome.SUCCEEDED) == sum(
        job.state is JobState.SUCCEEDED for job in jobs
    )


@on("postgresql")
@pytest.mark.timeout(400)
def test_schedulers_killed_among_five(any_database_url: str, telling: Telling) -> None:
    database, clock = open_database(any_database_url), SystemClock()
    chance = random.Random(SEED)  # noqa: S311
    ConfigService(database, clock).set(
        "scheduler", "schedule.s", document(every(1, "seconds")), actor=ASHA
    )

    def fired() -> int:
        with database.reading() as tx:
            return len(tx.schedules.list_executions("s", limit=1000))

    with ExitStack() as stack:
        running = [
            stack.enter_context(scheduler_process(any_database_url)) for _ in range(SCHEDULERS)
        ]
        for _ in range(KILLS):
            seen = fired()
            until(lambda seen=seen: fired() > seen)  # type: ignore[misc]
            running.pop(chance.randrange(len(running))).kill()
            running.append(stack.enter_context(scheduler_process(any_database_url)))
        codes = [end(process) for process in running]
    with database.reading() as tx:
        rows = tx.schedules.list_executions("s", limit=1000)[::-1]
        jobs = [row.job_id for row in rows if row.job_id and tx.jobs.get_job(row.job_id)]
    database.close()

    starts = [row for row in rows if row.status is ExecutionStatus.FIRED]
    telling.say(f"{telling.name}: {KILLS} kills; {len(rows)} due times; {len(jobs)} jobs")
    due = [row.scheduled_for for row in rows]
    assert codes == [0] * SCHEDULERS
    assert {after - before for before, after in pairwise(due)} == {timedelta(seconds=1)}
    assert len(set(jobs)) == len(jobs) == len(starts)
