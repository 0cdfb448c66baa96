"""A worker in a process of its own, for tests that kill it: started here, run as a script."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.handlers import REGISTRY, Stage
from munshi.clock import SystemClock
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.jobs.worker import Worker

TESTS = Path(__file__).parents[1]


def make_worker(database: Database, *, lease_seconds: float) -> Worker:
    return Worker(
        database,
        SystemClock(),
        registry=REGISTRY,
        services=Stage(),
        threads=2,
        lease_seconds=lease_seconds,
        poll_seconds=0.05,
    )


@contextmanager
def worker_process(url: str, *, lease_seconds: float = 30.0) -> Iterator["subprocess.Popen[str]"]:
    """A worker that is ready, works once its stdin gets a line, and ends when it is idle."""
    with subprocess.Popen(
        [sys.executable, "-m", "jobs.worker_process", url, str(lease_seconds)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def begin(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def main(url: str, lease_seconds: float) -> None:
    database = Database(parse_database_url(url, home=Path()))
    worker = make_worker(database, lease_seconds=lease_seconds)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    worker.run_until_idle()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
