"""A process that calls the simulated broker as fast as the gate lets it: started here."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from databases import open_database
from munshi.clock import Clock, SystemClock
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_clock import ServerClock
from munshi.rate_limits.gate import QuotaGate
from quotas import open_gate

TESTS = Path(__file__).parents[1]
# Nobody answers there with more than a few bytes, and no limit of the simulator counts it.
PATH = "/NewSecurityMaster/none"
CALLED = "kite.other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a process is told: where, with how many threads, and how many calls."""

    database: str
    broker: str
    threads: int
    calls: int


class CallerProcess:
    """Ready when made; calls once told to go, and then says how long replies took."""

    def __init__(self, orders: Orders) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rate_limits.caller_process", *_words(orders)],
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

    def replies(self) -> list[float]:
        """Seconds each reply took, in no order; waits for the process to end."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert self.process.wait(60) == 0
        return list(said["replies"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def close(self) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def _words(orders: Orders) -> list[str]:
    return [orders.database, orders.broker, str(orders.threads), str(orders.calls)]


class _Work:
    """Calls shared out to threads, one by one."""

    def __init__(self, gate: QuotaGate, broker: str, calls: int) -> None:
        self._gate = gate
        self._place = urlsplit(broker).netloc
        self._left = calls
        self._lock = threading.Lock()
        self.replies: list[float] = []

    def run(self) -> None:
        with closing(http.client.HTTPConnection(self._place, timeout=30)) as broker:
            while self._one_more():
                while not self._call(broker):
                    broker.close()

    def _call(self, broker: http.client.HTTPConnection) -> bool:
        """Whether it arrived: the broker closes a connection that was idle for some seconds."""
        with self._gate.permit(CALLED):
            began = time.monotonic()
            try:
                broker.request("GET", PATH)
                broker.getresponse().read()
            except (http.client.HTTPException, OSError):
                return False
            self.replies.append(time.monotonic() - began)
            return True

    def _one_more(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0


def main(url: str, broker: str, threads: int, calls: int) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(closing(open_database(url)))
        clock = _clock(database, stack)
        gate = stack.enter_context(closing(open_gate(database, clock)))
        work = _Work(gate, broker, calls)
        gate.pools.in_force()
        _say("ready")
        sys.stdin.readline()
        running = [threading.Thread(target=work.run) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    _say(json.dumps({"replies": work.replies}))


def _clock(database: Database, stack: ExitStack) -> Clock:
    if database.dialect == "sqlite":
        return SystemClock()
    clock = ServerClock(database)
    clock.start()
    stack.callback(clock.stop)
    return clock


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
