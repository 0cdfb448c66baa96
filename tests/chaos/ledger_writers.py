"""Processes that write audited changes, and processes that seal them, all to be killed at will.

Run as a script it is the nursery: it has imported everything once and forks a process whenever a
line on stdin asks for one. Its processes end with it.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from databases import open_database
from munshi.audit.sealer import Sealer
from munshi.clock import SystemClock
from munshi.domain.audit import Actor
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

TESTS = Path(__file__).parents[1]
WRITER, SEALER = "writer", "sealer"
# So long a deliberately slow transaction stays open.
SLOW_SECONDS = (0.2, 0.9)
QUICK_PAUSE, SQLITE_PAUSE = 0.01, 0.05


class RolledBackError(Exception):
    """A writer thought better of it."""


@dataclass
class Nursery:
    """`acts` are what processes do by name; it makes new ones in milliseconds."""

    url: str
    folder: Path
    pids: dict[str, list[int]] = field(default_factory=lambda: {WRITER: [], SEALER: []})
    kills: int = 0
    _process: "subprocess.Popen[str] | None" = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.ledger_writers", str(self.folder)],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait(30)

    def add(self, kind: str, *, seed: int = 0) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{kind} {self.url} {seed}\n")
        self._process.stdin.flush()
        self.pids[kind].append(int(self._process.stdout.readline()))

    def kill_one(self, kind: str, chance: random.Random, *, seed: int) -> None:
        """Kill one with SIGKILL, and have another take its place."""
        pids = self.pids[kind]
        pid = pids.pop(chance.randrange(len(pids)))
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        self.add(kind, seed=seed)

    def stop_writing(self) -> None:
        """Tell the writers to end after what they are at, and wait until they have."""
        for pid in self.pids[WRITER]:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while any(not (self.folder / f"ended-{pid}").exists() for pid in self.pids[WRITER]):
            assert time.monotonic() < deadline, "a writer did not end"
            time.sleep(0.005)

    def committed(self) -> set[str]:
        """The changes of which some writer heard that they were committed."""
        files = self.folder.glob("written-*")
        return {line for each in files for line in each.read_text("utf-8").split("\n")[:-1]}


def _write(url: str, seed: int, folder: Path, stop: threading.Event) -> None:
    """Changes until told to stop; each that is known to be committed goes into a file."""
    database = open_database(url)
    chance = random.Random(seed)  # noqa: S311 - chaos that can be repeated
    is_sqlite = database.dialect == "sqlite"
    me, number = f"{os.getpid()}", 0
    with (folder / f"written-{me}").open("a", encoding="utf-8") as known:
        while not stop.is_set():
            names = [f"{me}/{number + n}" for n in range(chance.randint(1, 5))]
            number += len(names)
            # SQLite has one writer at a time: a slow one would only stop the others.
            slow = not is_sqlite and chance.random() < 0.1
            seconds = chance.uniform(*SLOW_SECONDS) if slow else 0.0
            is_dropped = chance.random() < 0.15
            if _change(database, names, seconds=seconds, is_dropped=is_dropped):
                known.writelines(f"{name}\n" for name in names)
                known.flush()
            time.sleep(chance.uniform(0, SQLITE_PAUSE if is_sqlite else QUICK_PAUSE))
    database.close()
    (folder / f"ended-{me}").touch()


def _change(database: Database, names: list[str], *, seconds: float, is_dropped: bool) -> bool:
    with suppress(RolledBackError, DatabaseUnreachableError), database.transaction() as tx:
        for name in names:
            _log(tx, name)
            time.sleep(seconds / len(names))
        if is_dropped:
            raise RolledBackError
    return not is_dropped


def _log(tx: Transaction, name: str) -> None:
    actor = Actor(user_id="asha", ip_address="192.0.2.7")
    tx.audit.log("chaos", "changed", entity_id=name, actor=actor, now=SystemClock().now())


def _seal(url: str, _: int, __: Path, stop: threading.Event) -> None:
    sealer = Sealer(open_database(url), SystemClock())
    sealer.start()
    stop.wait()
    sealer.stop()


_ACTS: dict[str, Callable[[str, int, Path, threading.Event], None]] = {
    WRITER: _write,
    SEALER: _seal,
}


@contextmanager
def _ended_with_parent() -> Iterator[threading.Event]:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    yield stop


def _nursery(folder: Path) -> None:
    children: list[int] = []
    for line in sys.stdin:
        kind, url, seed = line.split()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with _ended_with_parent() as stop:
                    _ACTS[kind](url, int(seed), folder, stop)
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
