"""A scheduler in a process of its own: started here, run as a script on the machine's clock."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from databases import open_database
from jobs.handlers import REGISTRY
from munshi.clock import SystemClock
from munshi.config.service import ConfigService
from munshi.jobs.service import JobService
from munshi.market.calendar_service import CalendarService
from munshi.scheduler.database_scheduler import DatabaseScheduler

TESTS = Path(__file__).parents[1]


@contextmanager
def scheduler_process(url: str) -> Iterator["subprocess.Popen[str]"]:
    """A scheduler that is ready and looks about until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-m", "scheduler.scheduler_process", url],
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


def end(process: "subprocess.Popen[str]") -> int:
    """Let it stop by itself; its exit code."""
    assert process.stdin is not None
    process.stdin.close()
    return process.wait(60)


def main(url: str) -> None:
    database, clock = open_database(url), SystemClock()
    scheduler = DatabaseScheduler(
        database,
        clock,
        jobs=JobService(database, clock, registry=REGISTRY),
        calendar=CalendarService(ConfigService(database, clock)).calendar,
        poll_seconds=0.05,
    )
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run, args=(stop,))
    thread.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    stop.set()
    thread.join()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1])
