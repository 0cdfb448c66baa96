"""What the conformance tests of the queue work on: one database, and exchanges into it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from clocks import FakeClock
from munshi.domain.jobs import (
    DEFAULT_QUEUE,
    Job,
    JobAttempt,
    JobState,
    NewJob,
    QueueLimits,
    new_job_id,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane, Success
from munshi.infrastructure.database.job_exchange import (
    JobExchange,
    RepositoryExchange,
    Swapped,
    Wanted,
    open_exchange,
)
from munshi.infrastructure.wake import Wake

LEASE = timedelta(seconds=30)
LANES = (Lane(DEFAULT_QUEUE, "copy"), Lane(DEFAULT_QUEUE, "move"))


@dataclass(slots=True)
class Bench:
    """`way` is how workers get in: by the driver's own SQL, or through Core as on SQL Server."""

    database: Database
    clock: FakeClock
    way: str
    opened: list[JobExchange] = field(default_factory=list)

    def exchange(self, worker_id: str = "here:1:aa", *, wake: Wake | None = None) -> JobExchange:
        make = open_exchange if self.way == "driver" else RepositoryExchange
        made = make(self.database, worker_id=worker_id, lease=LEASE, wake=wake or Wake())
        self.opened.append(made)
        return made

    def create(self, job_type: str = "copy", **given: Any) -> UUID:  # noqa: ANN401
        new = self.new(job_type, **given)
        with self.database.transaction() as tx:
            return tx.jobs.create_job(new, now=self.clock.now()).job_id

    def new(self, job_type: str = "copy", **given: Any) -> NewJob:  # noqa: ANN401
        now = self.clock.now()
        wanted = {"parameters": {"text": "x"}, "run_at": now, "created_by": "asha"}
        return NewJob(**{"job_id": new_job_id(now), "job_type": job_type, **wanted, **given})

    def claim(
        self, limit: int = 10, *, lanes: Sequence[Lane] = LANES, by: JobExchange | None = None
    ) -> list[Job]:
        exchange = by or self.exchange()
        (claimed,) = exchange.swap((), [Wanted(tuple(lanes), limit)], now=self.clock.now()).claimed
        return claimed

    def claim_limited(
        self, queue: str, limits: QueueLimits, *, limit: int = 10, worker_id: str = "here:1:aa"
    ) -> list[Job]:
        with self.database.transaction() as tx:
            return tx.queues.claim_limited(
                queue,
                limits,
                job_types=["copy", "move"],
                worker_id=worker_id,
                limit=limit,
                lease=LEASE,
                now=self.clock.now(),
            )

    def succeed(self, *jobs: Job, result: str = '{"n": 1}') -> set[UUID]:
        return self.swap([success_of(job, result=result) for job in jobs]).kept

    def swap(self, done: Sequence[Success]) -> Swapped:
        return self.exchange().swap(done, (), now=self.clock.now())

    def promote(self) -> int:
        with self.database.operational() as tx:
            return tx.jobs.promote_due_jobs(now=self.clock.now())

    def get(self, job_id: UUID) -> Job:
        with self.database.reading() as tx:
            job = tx.jobs.get_job(job_id)
        assert job is not None
        return job

    def attempts(self, job_id: UUID) -> list[JobAttempt]:
        with self.database.reading() as tx:
            return tx.attempts.list_attempts(job_id)

    def state(self, job_id: UUID) -> JobState:
        return self.get(job_id).state

    def pass_time(self, **by: float) -> datetime:
        self.clock.advance(timedelta(**by))
        return self.clock.now()

    def skip_where_locks_are_ignored(self) -> None:
        """The stand-in for SQL Server reads lock hints and does not keep to them."""
        if self.database.dialect != "mssql":
            return
        with self.database.reading() as tx:
            version = tx.connection.exec_driver_sql("SELECT @@version").scalar_one()
        if "Babelfish" in version:
            pytest.skip("this stand-in for SQL Server ignores lock hints; claims are not exclusive")


def success_of(job: Job, *, message: str | None = None, result: str = "{}") -> Success:
    """What a worker tells of a run that ended well."""
    return Success(job.job_id, job.attempt, message, result)
