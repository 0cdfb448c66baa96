"""Procrastinate: its asynchronous psycopg connector, async tasks, 10 jobs at a time.

It fetches and finishes one job at a time; more concurrency helps the wall rate alone.
"""

import asyncio
from collections.abc import Callable, Iterator

from procrastinate import App, PsycopgConnector
from procrastinate.tasks import Task
from speaking import Latencies, Tally, serve

CONCURRENCY = 10
CHUNK = 1000


def _app(url: str, handled: Callable[[int], None]) -> tuple[App, Task]:
    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(name="noop")
    async def noop(stamp: int) -> None:
        handled(stamp)

    return app, noop


class ProcrastinateJobs:
    packages = ("procrastinate", "psycopg")

    def load(self, url: str, jobs: int) -> str:
        return asyncio.run(self._load(url, jobs))

    async def _load(self, url: str, jobs: int) -> str:
        app, noop = _app(url, lambda _: None)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            for begun in range(0, jobs, CHUNK):
                some = min(CHUNK, jobs - begun)
                await noop.batch_defer_async(*[{"stamp": 0} for _ in range(some)])
            shown = await app.connector.execute_query_one_async("SHOW synchronous_commit")
            return f"sync_commit={shown['synchronous_commit']}"

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        del batch
        asyncio.run(self._drain(url, tally))

    async def _drain(self, url: str, tally: Tally) -> None:
        app, _ = _app(url, lambda _: tally.count())
        async with app.open_async():
            await app.run_worker_async(
                concurrency=CONCURRENCY, wait=False, install_signal_handlers=False
            )
            tally.complete()

    def work(self, url: str, latencies: Latencies) -> None:
        asyncio.run(self._work(url, latencies))

    async def _work(self, url: str, latencies: Latencies) -> None:
        over = asyncio.Event()

        def handled(stamp: int) -> None:
            latencies.began(stamp)
            if latencies.finished.is_set():
                over.set()

        app, _ = _app(url, handled)
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False)
            )
            latencies.ready()
            await over.wait()
            latencies.complete()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        asyncio.run(self._enqueue(url, stamps))

    async def _enqueue(self, url: str, stamps: Iterator[int]) -> None:
        app, noop = _app(url, lambda _: None)
        async with app.open_async():
            for stamp in stamps:
                await noop.defer_async(stamp=stamp)


if __name__ == "__main__":
    serve(ProcrastinateJobs())
