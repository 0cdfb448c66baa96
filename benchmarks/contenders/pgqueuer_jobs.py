"""PgQueuer as its documentation advises: asyncpg, uvloop, one connection, `pgq autovac` applied.

Its own benchmark runs five managers in one process; one alone cost less CPU a job here.
"""

from collections.abc import Iterator

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode
from speaking import Latencies, Tally, serve


class PgQueuerJobs:
    packages = ("pgqueuer", "asyncpg")

    def load(self, url: str, jobs: int) -> str:
        return str(uvloop.run(self._load(url, jobs)))

    async def _load(self, url: str, jobs: int) -> str:
        connection = await asyncpg.connect(url)
        queries = Queries(AsyncpgDriver(connection))
        await queries.install()
        await queries.optimize_autovacuum()
        if jobs:
            await queries.enqueue(["noop"] * jobs, [None] * jobs, [0] * jobs)
        level = await connection.fetchval("SHOW synchronous_commit")
        await connection.close()
        return f"sync_commit={level}"

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        uvloop.run(self._drain(url, batch, tally))

    async def _drain(self, url: str, batch: int, tally: Tally) -> None:
        queuer = PgQueuer.from_asyncpg_connection(await asyncpg.connect(url))

        @queuer.entrypoint("noop")
        async def noop(_: Job) -> None:
            tally.count()

        # Returns when the buffered completions are written.
        await queuer.run(batch_size=batch, mode=QueueExecutionMode.drain)
        tally.complete()

    def work(self, url: str, latencies: Latencies) -> None:
        uvloop.run(self._work(url, latencies))

    async def _work(self, url: str, latencies: Latencies) -> None:
        queuer = PgQueuer.from_asyncpg_connection(await asyncpg.connect(url))

        @queuer.entrypoint("noop")
        async def noop(job: Job) -> None:
            assert job.payload is not None
            latencies.began(int(job.payload))
            if latencies.finished.is_set():
                queuer.shutdown.set()

        latencies.ready()
        await queuer.run()
        latencies.complete()

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        uvloop.run(self._enqueue(url, stamps))

    async def _enqueue(self, url: str, stamps: Iterator[int]) -> None:
        connection = await asyncpg.connect(url)
        queries = Queries(AsyncpgDriver(connection))
        for stamp in stamps:
            await queries.enqueue("noop", str(stamp).encode())
        await connection.close()


if __name__ == "__main__":
    serve(PgQueuerJobs())
