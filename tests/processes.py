"""The `munshi` command as a process of its own."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

READY_SECONDS = 60.0
POLL_SECONDS = 0.05


def environment(home: Path, **settings: str) -> dict[str, str]:
    """This process's, with a Munshi home of its own."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MUNSHI_")}
    return {**kept, "MUNSHI_HOME": str(home), "MUNSHI_ENV_FILE": str(home / "none.env"), **settings}


def run_munshi(*words: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "munshi", *words],
        env=env,
        cwd=cwd,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=READY_SECONDS,
    )


class MunshiProcess:
    """A command that goes on until it is told to stop; what it says is kept."""

    def __init__(self, *words: str, env: dict[str, str], cwd: Path) -> None:
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "munshi", *words],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        return "".join(self._lines)

    def wait_until_said(self, pattern: str) -> re.Match[str]:
        """Raises AssertionError with all that was said if it ends, or time does, before."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found[:] = re.finditer(pattern, self.said)
            return bool(found)

        wait_until(look, unless=lambda: self.process.poll() is not None, told=lambda: self.said)
        return found[0]

    def stop(self, number: int) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(READY_SECONDS)
        self._reader.join(READY_SECONDS)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(READY_SECONDS)
        self._reader.join(READY_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        if self.process.stdout is not None:
            self._lines.extend(self.process.stdout)


def wait_until(
    condition: Callable[[], bool],
    *,
    unless: Callable[[], bool] = lambda: False,
    told: Callable[[], str] = str,
) -> None:
    """Raises AssertionError saying `told()` when it took too long, or `unless` came first."""
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        ended = unless()
        if condition():
            return
        assert not ended, f"ended too soon: {told()}"
        assert time.monotonic() < deadline, f"took too long: {told()}"
        time.sleep(POLL_SECONDS)
