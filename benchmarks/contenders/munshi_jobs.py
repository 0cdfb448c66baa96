"""Munshi's own queue: `JobService` stores, `Worker` works, as in `munshi worker`."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from munshi_rows import multiply
from speaking import Latencies, Tally, serve, sqlite_durability
from sqlalchemy import text

from munshi.clock import Clock, SystemClock
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.job_specs import JobSpec
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_clock import ServerClock
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.wake import Wake
from munshi.jobs.rouser import Rouser
from munshi.jobs.run import JobRun
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker
from munshi.logging_setup import configure_logging

Handled = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """The parameters of a no-op job: when it was asked for."""

    stamp: int

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        stamp = raw["stamp"]
        assert isinstance(stamp, int)
        return cls(stamp=stamp)

    def to_json(self) -> dict[str, object]:
        return {"stamp": self.stamp}


def run(handled: Handled, _: JobRun, parameters: Stamped) -> dict[str, object]:
    handled(parameters.stamp)
    return {}


REGISTRY = {
    "noop": JobSpec(
        params=Stamped,
        entry=f"{__name__}:run",
        runs_in="thread",
        idempotent=True,
        batched=True,
        brief=True,
    )
}


def make_worker(
    database: Database, clock: Clock, *, batch: int, handled: Handled, wake: Wake | None = None
) -> Worker:
    return Worker(database, clock, registry=REGISTRY, services=handled, batch=batch, wake=wake)


@contextmanager
def opened(url: str) -> Iterator[tuple[Database, Clock]]:
    """The database and the clock that `bootstrap` would open."""
    configure_logging("WARNING")
    database = Database(parse_database_url(url, home=Path()))
    clock: SystemClock = SystemClock()
    if database.dialect != "sqlite":
        clock = ServerClock(database)
        clock.start()
    try:
        yield database, clock
    finally:
        if isinstance(clock, ServerClock):
            clock.stop()
        database.close()


class MunshiJobs:
    """`finished` jobs lie in the table beside the queued ones."""

    packages = ("munshi", "sqlalchemy")

    def __init__(self, *, finished: int) -> None:
        self._finished = finished

    def load(self, url: str, jobs: int) -> str:
        with opened(url) as (database, clock):
            migrate.upgrade(database)
            if self._finished:
                done = self._store(database, clock)
                make_worker(database, clock, batch=1, handled=lambda _: None).run_until_idle()
                multiply(database, done, many=self._finished - 1)
            if jobs:
                multiply(database, self._store(database, clock), many=jobs - 1)
            return _durability(database)

    def _store(self, database: Database, clock: Clock) -> UUID:
        service = JobService(database, clock, registry=REGISTRY)
        with database.transaction() as tx:
            return service.enqueue_in(tx, "noop", {"stamp": 0}, actor=COMMAND_LINE).job_id

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        with opened(url) as (database, clock):
            worker = make_worker(database, clock, batch=batch, handled=lambda _: tally.count())
            worker.start()
            tally.finished.wait()
            worker.stop()  # what it has claimed is run and stored
            tally.complete()

    def work(self, url: str, latencies: Latencies) -> None:
        with opened(url) as (database, clock):
            worker = make_worker(database, clock, batch=10, handled=latencies.began)
            worker.start()
            latencies.ready()
            latencies.finished.wait()
            worker.stop()
            latencies.complete()

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        with opened(url) as (database, clock), closing(Rouser(database)) as rouser:
            _enqueue(JobService(database, clock, registry=REGISTRY, rouse=rouser.rouse), stamps)

    def work_beside(self, url: str, latencies: Latencies, stamps: Iterator[int]) -> None:
        """Worker and client in one process, as `munshi serve` has them."""
        with opened(url) as (database, clock), closing(Rouser(database)) as rouser:
            worker = make_worker(
                database, clock, batch=10, handled=latencies.began, wake=rouser.wake
            )
            worker.start()
            _enqueue(JobService(database, clock, registry=REGISTRY, rouse=rouser.rouse), stamps)
            latencies.finished.wait()
            worker.stop()
            latencies.complete()


def _enqueue(service: JobService, stamps: Iterator[int]) -> None:
    for stamp in stamps:
        service.enqueue("noop", {"stamp": stamp}, actor=COMMAND_LINE)


def _durability(database: Database) -> str:
    with database.connected() as connection:
        if database.dialect == "sqlite":
            driver = connection.connection.driver_connection
            assert driver is not None
            return sqlite_durability(driver)
        level = connection.execute(text("SHOW synchronous_commit")).scalar_one()
        return f"sync_commit={level}"


if __name__ == "__main__":
    serve(MunshiJobs(finished=int(sys.argv[2]) if len(sys.argv) > 2 else 0))
