"""A process that works on archives and kills itself at a step it was told; see test_archive_killed.

It reads a document a line, does that in a fork of its own, and answers how the fork ended.
"""

import json
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from clocks import FakeClock
from databases import open_database
from munshi.audit import archiving, restoring
from munshi.audit.archive_service import ArchiveService
from munshi.domain.audit import MUNSHI

FILE_STEPS = {"os.mkdir", "os.rename", "os.remove"}


class Steps:
    """Counts commits, and changes of files in the archives' folder; the last one never happens."""

    def __init__(self, last: int, folder: Path) -> None:
        self._left = last
        self._folder = str(folder)

    def watch(self, engines: tuple[Any, ...]) -> None:
        sys.addaudithook(self._file)
        for engine in engines:
            event.listen(engine, "commit", lambda _: self._step())

    def _file(self, name: str, given: tuple[Any, ...]) -> None:
        is_write = name == "open" and isinstance(given[2], int) and given[2] & os.O_CREAT
        if (name in FILE_STEPS or is_write) and str(given[0]).startswith(self._folder):
            self._step()

    def _step(self) -> None:
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def act(told: dict[str, Any]) -> None:
    archiving.ROWS_AT_A_TIME = restoring.ROWS_AT_A_TIME = 6
    home = Path(told["home"])
    database = open_database(told["url"])
    clock = FakeClock(datetime.fromisoformat(told["now"]))
    archives = ArchiveService(database, clock, home=home)
    steps = Steps(told["step"], home / "audit")
    steps.watch((database.engine, database._quick))  # noqa: SLF001 - both write
    if told["act"] == "archive":
        archives.archive(before=datetime.fromisoformat(told["before"]), actor=MUNSHI)
    elif told["act"] == "restore":
        archives.restore(told["names"], actor=MUNSHI)
    else:
        archives.drop(keep=timedelta(days=told["days"]), actor=MUNSHI)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            act(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
