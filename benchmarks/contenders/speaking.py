"""A contender's side of the talk with `benchmarks/jobs.py`: one JSON request, JSON lines back.

It needs only the standard library, since contenders run in environments of their own.
"""

import json
import os
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Protocol, runtime_checkable

RESTS = (0.05, 0.15)
COLD = 3


class Line:
    """Where the main script listens. What libraries print goes to stderr instead."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def tell(self, **what: object) -> None:
        self._out.write(json.dumps(what) + "\n")

    def wait(self) -> None:
        """Until the main script has read what it needs."""
        if not sys.stdin.readline():
            raise SystemExit("the main script is gone")


class Tally:
    """Counts the jobs that a contender handles, from any thread.

    The first `warm` jobs are not measured. When they are over everything stops until the main
    script has read the server's clock; then CPU and wall time of this process are taken.
    """

    def __init__(self, line: Line, *, warm: int, jobs: int) -> None:
        self.finished = threading.Event()
        self._line = line
        self._warm = warm
        self._jobs = jobs
        self._handled = 0
        self._begun: tuple[int, float, float] | None = None
        self._last = 0.0
        self._lock = threading.Lock()

    def count(self, jobs: int = 1) -> None:
        """`jobs` are being handled: claimed, and not yet completed."""
        with self._lock:
            self._handled += jobs
            if self._begun is None and self._handled >= self._warm:
                self._line.tell(begun=True)
                self._line.wait()
                self._begun = (self._handled, time.process_time(), time.perf_counter())
            if self._handled >= self._jobs and not self.finished.is_set():
                self._last = time.perf_counter()
                self.finished.set()

    def complete(self) -> None:
        """Every completion is in the database; say what it took before anything is closed."""
        cpu = time.process_time()
        assert self._begun is not None
        handled, cpu_then, wall_then = self._begun
        self._line.tell(
            jobs=self._handled - handled, cpu=cpu - cpu_then, wall=self._last - wall_then
        )
        self._line.wait()


class Latencies:
    """Milliseconds from just before a job was asked for until its handler began.

    Stamps are of the system's monotonic clock, which all processes of a machine share. The first
    few jobs, which meet cold connections and unprepared statements, are left out.
    """

    def __init__(self, line: Line, *, jobs: int) -> None:
        self.finished = threading.Event()
        self._line = line
        self._jobs = COLD + jobs
        self._found: list[float] = []
        self._lock = threading.Lock()

    def ready(self) -> None:
        """The worker idles."""
        self._line.tell(ready=True)

    def began(self, stamp: int) -> None:
        late = (time.monotonic_ns() - stamp) / 1e6
        with self._lock:
            self._found.append(late)
            if len(self._found) >= self._jobs:
                self.finished.set()

    def complete(self) -> None:
        self._line.tell(latencies=self._found[COLD:])


def stamps(jobs: int) -> Iterator[int]:
    """Stamps for `jobs` jobs and the cold ones, each taken after a rest of uneven length."""
    for _ in range(COLD + jobs):
        time.sleep(random.uniform(*RESTS))  # noqa: S311 - so that no poller falls into step
        yield time.monotonic_ns()


def sqlite_durability(connection: sqlite3.Connection) -> str:
    """Journal and `synchronous`, as the connection that does the work is really set."""
    (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    return f"{journal.upper()}, {('OFF', 'NORMAL', 'FULL', 'EXTRA')[level]}"


class Contender(Protocol):
    """What each script hands to `serve`. A `url` begins with `sqlite:///` or `postgresql://`."""

    packages: tuple[str, ...]

    def load(self, url: str, jobs: int) -> str:
        """Make the tables and queue no-op jobs; how durable the connection's commits are."""
        ...

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        """Work until `tally.finished`; when the last end is stored, `tally.complete()`."""
        ...

    def work(self, url: str, latencies: Latencies) -> None:
        """Idle, `ready`, between jobs that carry a stamp, until `finished`; then `complete`."""
        ...

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        """Queue one durable job for each stamp."""
        ...


@runtime_checkable
class InOneProcess(Protocol):
    """What a contender has besides, if its worker hears of jobs within its process at once."""

    def work_beside(self, url: str, latencies: Latencies, stamps: Iterator[int]) -> None:
        """Work and enqueue; then `complete`."""
        ...


def serve(contender: Contender) -> None:
    """Answer the one request on the command line."""
    asked = json.loads(sys.argv[1])
    line, url = Line(), asked["url"]
    match asked["do"]:
        case "load":
            durability = contender.load(url, asked["jobs"])
            versions = [f"{name} {metadata.version(name)}" for name in contender.packages]
            line.tell(durability=durability, versions=versions)
        case "drain":
            tally = Tally(line, warm=asked["warm"], jobs=asked["jobs"])
            contender.drain(url, asked["batch"], tally)
        case "work":
            contender.work(url, Latencies(line, jobs=asked["jobs"]))
        case "work_beside" if isinstance(contender, InOneProcess):
            latencies = Latencies(line, jobs=asked["jobs"])
            contender.work_beside(url, latencies, stamps(asked["jobs"]))
        case "enqueue":
            contender.enqueue(url, stamps(asked["jobs"]))
            line.tell(enqueued=asked["jobs"])
