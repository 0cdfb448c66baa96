"""Workers in processes of their own that can be killed and stopped at will, and are quick to make.

Run as a script it is the nursery: it has imported everything once and forks a worker whenever a
line on stdin asks for one. Its workers end with it.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from chaos.work import FOLDER, REGISTRY, Ground
from databases import open_database
from munshi.clock import SystemClock
from munshi.jobs.children import ChildPool
from munshi.jobs.worker import Worker
from munshi.logging_setup import configure_logging

TESTS = Path(__file__).parents[1]
THREADS = 4
CHILD_CONTEXT = "chaos.work:child_lines"
GRACE_SECONDS = 20.0


def shifted_clock(folder: Path) -> SystemClock:
    """The machine's clock, ahead by the seconds that stand in the file `step`."""
    note = folder / "step"

    def ahead() -> timedelta:
        try:
            return timedelta(seconds=float(note.read_text()))
        except (OSError, ValueError):
            return timedelta()

    return SystemClock(ahead)


@dataclass
class WorkerPool:
    """`size` workers on `url`; what they say goes into `folder`."""

    url: str
    folder: Path
    size: int = 3
    lease_seconds: float = 2.0
    processes: int = 0
    kills: int = 0
    pids: list[int] = field(default_factory=list)
    _nursery: "subprocess.Popen[str] | None" = None

    def __enter__(self) -> Self:
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "chaos.worker_pool", str(self.folder)],
            env={**os.environ, "PYTHONPATH": str(TESTS), FOLDER: str(self.folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(self.size):
            self.add(self.url)
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._nursery is None:
            return
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if self._nursery.stdin is not None:
            self._nursery.stdin.close()
        if self._nursery.stdout is not None:
            self._nursery.stdout.close()
        self._nursery.wait(2 * GRACE_SECONDS)

    def add(self, url: str | None = None) -> int:
        """One worker more; its process id."""
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{url or self.url} {self.lease_seconds} {self.processes}\n")
        self._nursery.stdin.flush()
        pid = int(self._nursery.stdout.readline())
        self.pids.append(pid)
        return pid

    def kill_one(self, chance: random.Random) -> None:
        """Kill any of them with SIGKILL, and have another take its place."""
        pid = self.pids.pop(chance.randrange(len(self.pids)))
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        self.add()

    def stop_one(self, chance: random.Random, *, seconds: float) -> None:
        """Stop any of them with SIGSTOP, and let it go on later."""
        pid = chance.choice(self.pids)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def kill_a_child(self, chance: random.Random) -> None:
        """Kill a process in which a worker has jobs computed."""
        children = [
            child
            for pid in self.pids
            for child in psutil.Process(pid).children()
            if "munshi.jobs.child" in child.cmdline()
        ]
        if children:
            with suppress(psutil.NoSuchProcess):
                chance.choice(children).kill()
                self.kills += 1


def _work(url: str, lease_seconds: float, processes: int, folder: Path) -> None:
    """In the forked process, until the nursery is gone."""
    database = open_database(url)
    with (folder / f"log-{os.getpid()}").open("a", encoding="utf-8") as log:
        configure_logging("INFO", stream=log)
        worker = Worker(
            database,
            shifted_clock(folder),
            registry=REGISTRY,
            services=Ground(database, folder / f"lines-{os.getpid()}"),
            threads=THREADS,
            processes=processes,
            children=ChildPool(size=processes, context=CHILD_CONTEXT, clock=SystemClock()),
            lease_seconds=lease_seconds,
            poll_seconds=0.2,
        )
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        nursery = os.getppid()

        def watch() -> None:
            while os.getppid() == nursery:
                time.sleep(0.5)
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
        worker.run(stop, grace=GRACE_SECONDS / 2)
        log.flush()


def _nursery(folder: Path) -> None:
    children: list[int] = []
    for line in sys.stdin:
        url, lease, processes = line.split()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _work(url, float(lease), int(processes), folder)
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in children:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


if __name__ == "__main__":
    _nursery(Path(sys.argv[1]))
