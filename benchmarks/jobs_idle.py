"""What `munshi worker` costs while there is nothing to do."""

import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from contenders.catalogue import SQLITE, Contender
from jobs_contest import load
from jobs_ground import Ground

SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A worker with the processes it keeps, and the database server beside it."""

    database: str
    core_percent: float
    server_percent: float
    resident_mb: float

    def __str__(self) -> str:
        server = "" if self.database == SQLITE else f", the server {self.server_percent:.2f} %"
        return (
            f"{self.database}: an idle worker takes {self.core_percent:.2f} % of a core and "
            f"{self.resident_mb:.0f} MB{server}"
        )

    def document(self) -> dict[str, Any]:
        return asdict(self)


def measure_idle(contender: Contender, ground: Ground, folder: Path, *, seconds: float) -> Idle:
    """Start the command as a user would and leave it alone."""
    template = load(contender, ground, jobs=0)
    home = folder / f"home-{ground.name}"
    kept = {name: text for name, text in os.environ.items() if "MUNSHI" not in name}
    environment = {
        **kept,
        "MUNSHI_HOME": str(home),
        "MUNSHI_DATABASE_URL": ground.copy(template.name),
        # Nothing is asked of it; with an address the worker starts none of its own.
        "MUNSHI_SIMULATOR_URL": "http://127.0.0.1:9",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "munshi", "worker"],
        env=environment,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stderr is not None
            assert any("waits for jobs" in line for line in started.stderr), "it never waited"
            time.sleep(SETTLE_SECONDS)
            process = psutil.Process(started.pid)
            before, server = _cpu(process), ground.server_cpu()
            time.sleep(seconds)
            used, server = _cpu(process) - before, ground.server_cpu() - server
            resident = sum(each.memory_info().rss for each in _family(process)) / 2**20
        finally:
            started.terminate()
            started.communicate(timeout=30)
    return Idle(
        database=ground.name,
        core_percent=used / seconds * 100,
        server_percent=server / seconds * 100,
        resident_mb=resident,
    )


def _cpu(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in _family(process)]
    return float(sum(each.user + each.system for each in times))


def _family(process: psutil.Process) -> list[psutil.Process]:
    """The worker, and the child processes it keeps for jobs."""
    return [process, *process.children(recursive=True)]
