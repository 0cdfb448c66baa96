"""Huey on SQLite, its settings as they come. Arguments: how many threads, and `keep` or `drop`.

Huey deletes a job when it claims it, and records an end only where the task returns something;
`keep` has it do so, since a job whose end is nowhere is not a completed one.
"""

import sys
from collections.abc import Callable, Iterator

from huey import SqliteHuey
from huey.api import TaskWrapper
from huey.consumer import Consumer
from speaking import Latencies, Tally, serve, sqlite_durability

INSERT = "INSERT INTO task (queue, data, priority) VALUES (?, ?, 0)"


class HueyJobs:
    packages = ("huey",)

    def __init__(self, *, threads: int, keep: bool) -> None:
        self._threads = threads
        self._result = True if keep else None

    def _queue(self, url: str, handled: Callable[[int], None]) -> tuple[SqliteHuey, TaskWrapper]:
        huey = SqliteHuey(filename=url.removeprefix("sqlite:///"))

        @huey.task(name="noop")
        def noop(stamp: int) -> bool | None:
            handled(stamp)
            return self._result

        return huey, noop

    def load(self, url: str, jobs: int) -> str:
        huey, noop = self._queue(url, lambda _: None)
        storage = huey.storage
        with storage.db(commit=True) as cursor:
            cursor.executemany(
                INSERT, ((storage.name, huey.serialize_task(noop.s(0))) for _ in range(jobs))
            )
        durability = sqlite_durability(storage.conn)
        storage.close()
        return durability

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        del batch
        huey, _ = self._queue(url, lambda _: tally.count())
        consumer = Consumer(huey, workers=self._threads, periodic=False)
        consumer.start()
        tally.finished.wait()
        consumer.stop(graceful=True)  # waits for the results that are being stored
        tally.complete()

    def work(self, url: str, latencies: Latencies) -> None:
        huey, _ = self._queue(url, latencies.began)
        consumer = Consumer(huey, workers=self._threads, periodic=False)
        consumer.start()
        latencies.ready()
        latencies.finished.wait()
        consumer.stop(graceful=True)
        latencies.complete()

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        _, noop = self._queue(url, lambda _: None)
        for stamp in stamps:
            noop(stamp)


if __name__ == "__main__":
    serve(HueyJobs(threads=int(sys.argv[2]), keep=sys.argv[3] == "keep"))
