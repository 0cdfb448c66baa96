"""A process that asks the cache for something slow: started here, and maybe killed.

It writes a line into a file when it begins to work it out.
"""

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from caches import SLOW, open_cache
from databases import open_database
from munshi.clock import SystemClock
from munshi.infrastructure.database.server_clock import ServerClock
from processes import wait_until

TESTS = Path(__file__).parents[1]


class ComputingProcess:
    """Ready when made; asks once told to go."""

    def __init__(self, url: str, log: Path, *, seconds: float, answer: int) -> None:
        words = [url, str(log), str(seconds), str(answer)]
        self._log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cache.computing_process", *words],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def wait_until_computing(self) -> None:
        wait_until(lambda: str(self.process.pid) in computed(self._log))

    def answer(self) -> tuple[int, float]:
        """What it got, and after how many seconds."""
        assert self.process.stdout is not None
        said = next(line for line in self.process.stdout if line.startswith("got "))
        _, value, seconds = said.split()
        assert self.process.wait(60) == 0
        return int(value), float(seconds)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def computed(log: Path) -> list[str]:
    """Who began to work it out, by process id."""
    return log.read_text().split() if log.exists() else []


def main(url: str, log: str, seconds: float, answer: int) -> None:
    def compute() -> int:
        with Path(log).open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(seconds)
        return answer

    with closing(open_database(url)) as database:
        clock = SystemClock() if database.dialect == "sqlite" else ServerClock(database)
        if isinstance(clock, ServerClock):
            clock.start()
        with open_cache(database, clock) as cache:
            shelf = cache.open(SLOW)
            _say("ready")
            sys.stdin.readline()
            began = time.monotonic()
            value = shelf.get_or_compute("it", compute)
            _say(f"got {value} {time.monotonic() - began:.3f}")
        if isinstance(clock, ServerClock):
            clock.stop()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
