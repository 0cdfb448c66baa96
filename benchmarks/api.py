"""What `GET /auth/db/status` costs against an empty FastAPI route of the same server.

    python benchmarks/api.py            the table
    python benchmarks/api.py --quick    fewer requests

A child process serves both routes with the server, gate, log and database of `munshi serve`;
this process asks. CPU is the server's own, user and system, by the operating system's count.
"""

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

EMPTY, STATUS = "/empty", "/auth/db/status"
CONNECTIONS = (1, 16, 64)
LIMIT = 1.5


@dataclass(slots=True)
class Measured:
    """One route at one number of connections, over all rounds."""

    cpu_us: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.wall)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


async def _converse(port: int, request: bytes, count: int, wall: list[float]) -> None:
    """One kept-alive connection that asks `count` times."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lowered = head.lower()
        at = lowered.index(b"content-length:") + len(b"content-length:")
        await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
        wall.append(time.perf_counter() - started)
    writer.close()
    await writer.wait_closed()


async def _load(port: int, path: str, *, connections: int, requests: int) -> list[float]:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    ).encode()
    wall: list[float] = []
    each = requests // connections
    await asyncio.gather(*(_converse(port, request, each, wall) for _ in range(connections)))
    return wall


def _cpu_seconds(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


def _measure(server: psutil.Process, port: int, *, rounds: int, requests: int) -> bool:
    """Print the table; whether every ratio keeps the limit."""
    for path in (EMPTY, STATUS):
        asyncio.run(_load(port, path, connections=8, requests=max(400, requests // 4)))
    print(
        f"\n{'connections':>11}  {'route':<16}{'CPU µs':>8}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}"
    )
    kept = True
    for connections in CONNECTIONS:
        found = {EMPTY: Measured(), STATUS: Measured()}
        for _ in range(rounds):
            for path, measured in found.items():
                before = _cpu_seconds(server)
                wall = asyncio.run(_load(port, path, connections=connections, requests=requests))
                measured.cpu_us.append((_cpu_seconds(server) - before) / len(wall) * 1e6)
                measured.wall += wall
        empty, status = (statistics.median(found[path].cpu_us) for path in (EMPTY, STATUS))
        for path, cpu in ((EMPTY, empty), (STATUS, status)):
            measured = found[path]
            ratio = f"{cpu / empty:8.2f}"
            print(
                f"{connections:>11}  {path:<16}{cpu:8.0f}{measured.percentile(0.5):9.2f}"
                f"{measured.percentile(0.99):9.2f}{ratio}"
            )
        kept = kept and status / empty <= LIMIT
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer requests")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=3200, help="in a round")
    options = parser.parse_args()
    rounds, requests = (3, 960) if options.quick else (options.rounds, options.requests)
    with tempfile.TemporaryDirectory() as home:
        served = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("api_server.py")), home],
            stdout=subprocess.PIPE,
            text=True,
            env={name: text for name, text in os.environ.items() if "MUNSHI" not in name},
        )
        assert served.stdout is not None
        try:
            port = int(served.stdout.readline())
            print(
                f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} CPUs; "
                "SQLite, WAL, synchronous=FULL; two logins stored; log at INFO into a file; "
                f"{rounds} rounds of {requests} requests, median"
            )
            kept = _measure(psutil.Process(served.pid), port, rounds=rounds, requests=requests)
        finally:
            served.terminate()
            served.wait(timeout=20)
    print(f"\nlimit {LIMIT}: {'kept' if kept else 'EXCEEDED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
