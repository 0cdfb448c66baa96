"""What it costs to start: CPU of `munshi --help`, and of `munshi serve` until it is ready.

    python benchmarks/startup.py            the table; exit code 1 where a limit is broken
    python benchmarks/startup.py --quick    fewer rounds

Bytecode is compiled and the database exists before anything is measured. CPU is user and system
by the operating system's count, of the process and of the simulator that it starts.
"""

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

MUNSHI = [sys.executable, "-m", "munshi"]
HELP_LIMIT, READY_LIMIT = 0.25, 3.0
PATIENCE = 60


def _environment(home: Path) -> dict[str, str]:
    """Ours, without what another Munshi was told, and with bytecode."""
    kept = {name: text for name, text in os.environ.items() if "MUNSHI" not in name}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "MUNSHI_HOME": str(home)}


def measure_help(home: Path) -> float:
    """CPU seconds of `munshi --help`."""
    with subprocess.Popen(
        [*MUNSHI, "--help"], env=_environment(home), stdout=subprocess.DEVNULL
    ) as process:
        used = os.wait4(process.pid, 0)[2]
        process.returncode = 0
    return used.ru_utime + used.ru_stime


def measure_serve(home: Path) -> tuple[float, float]:
    """CPU seconds of `munshi serve` and of its simulator, when `/health/ready` first says yes."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with subprocess.Popen(
        [*MUNSHI, "serve", "--port", str(port)],
        env=_environment(home),
        cwd=home,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        process = psutil.Process(started.pid)
        deadline = time.monotonic() + PATIENCE
        while not _is_ready(port):
            assert started.poll() is None, started.communicate()[1]
            assert time.monotonic() < deadline, "munshi serve was never ready"
            time.sleep(0.02)
        used = _cpu(process)
        simulator = sum(_cpu(child) for child in process.children())
        started.terminate()
    return used, simulator


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 3 if parser.parse_args().quick else 9
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        measure_help(home)
        measure_serve(home)  # makes the database, and compiles
        helps = [measure_help(home) for _ in range(rounds)]
        serves = [measure_serve(home) for _ in range(rounds)]
    print(
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} CPUs; "
        f"bytecode compiled; {rounds} rounds"
    )
    print(f"\n{'':<32}{'median s':>10}{'worst s':>10}{'limit s':>10}")
    kept = True
    for name, found, limit in (
        ("munshi --help", helps, HELP_LIMIT),
        ("munshi serve until ready", [served for served, _ in serves], READY_LIMIT),
        ("  and the simulator it starts", [simulator for _, simulator in serves], None),
    ):
        median = statistics.median(found)
        print(f"{name:<32}{median:>10.2f}{max(found):>10.2f}{limit or '':>10}")
        kept = kept and (limit is None or median <= limit)
    print(f"\nlimits: {'kept' if kept else 'EXCEEDED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
