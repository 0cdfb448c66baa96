"""A process that asks the simulated Kite with the desk's login, over and over: started here."""

import faulthandler
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from munshi.bootstrap import Services, open_services
from munshi.domain.audit import Actor
from munshi.errors import AppError
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.settings import load_settings
from processes import environment

TESTS = Path(__file__).parents[1]
# Nobody waits for long: what is refused is tried again at once, as a careless program does.
_PAUSE_SECONDS = 0.005
# Longer than any call waits for its permit.
_LAST_CALL_SECONDS = 100.0


class SessionProcess:
    """Begins when told to, and says what it met when its input ends."""

    def __init__(self, home: Path, *, url: str, broker: str, threads: int, work: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "auth.session_process", work, str(threads)],
            env={
                **environment(home, MUNSHI_DATABASE_URL=url, MUNSHI_SIMULATOR_URL=broker),
                "PYTHONPATH": str(TESTS),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self._line() == "ready\n"

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def end(self) -> dict[str, int]:
        """How often it met what."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        said: dict[str, Any] = json.loads(self._line())
        assert self.process.wait(60) == 0
        return said

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


class _Work:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self.is_over = False
        self.met: Counter[str] = Counter()

    def ask(self) -> None:
        """A call with the login in force, as often as can be."""
        client = self._services.instruments._kite  # noqa: SLF001

        def profile(access: KiteAccess) -> object:
            return client.profile(access)

        self._repeat(lambda: self._services.kite.calling(profile))

    def probe(self) -> None:
        """Try the rejected login out, as often as can be."""

        def tried() -> None:
            if self._services.kite.probe() is not None:
                self._count("probed")

        self._repeat(tried)

    def log_in(self) -> None:
        """Log in, again and again."""
        self._repeat(lambda: self._services.kite.login_headless(actor=Actor(user_id="tester")))

    def _repeat(self, act: Any) -> None:  # noqa: ANN401
        while not self.is_over:
            try:
                act()
                self._count("done")
            except AppError as error:
                self._count(type(error).__name__)
            time.sleep(_PAUSE_SECONDS)

    def _count(self, what: str) -> None:
        with self._lock:
            self.met[what] += 1


def main(work: str, threads: int) -> None:
    with open_services(load_settings()) as services:
        task = _Work(services)
        running = [threading.Thread(target=getattr(task, work)) for _ in range(threads)]
        _say("ready")
        sys.stdin.readline()
        for thread in running:
            thread.start()
        sys.stdin.read()
        task.is_over = True
        # One that hangs says where, and ends.
        faulthandler.dump_traceback_later(_LAST_CALL_SECONDS, exit=True)
        for thread in running:
            thread.join()
    _say(json.dumps(task.met))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("MUNSHI_LOG_LEVEL", "ERROR")
    main(sys.argv[1], int(sys.argv[2]))
