"""Fifty open pages and 200 requests a second together: `make bench-live`.

A child process serves the desk with a worker at work; this process asks its API at an even rate,
in turns with and without open pages, and prints the answers' times side by side and what the
server's memory did. A request's time counts from when it was due, so that waiting is not left out.
`--seconds 20 --rounds 3 --pages 50 --rate 200 --events 5` are the defaults.
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from munshi.api.server import address_of, build_server, listen
from munshi.bootstrap import BrokerEndpoints, Services, open_database, open_services
from munshi.dashboard.site import create_site
from munshi.domain.audit import Actor
from munshi.domain.config_keys import API, RATE_LIMIT_PER_MINUTE
from munshi.domain.roles import Role
from munshi.infrastructure.database import migrate
from munshi.logging_setup import configure_logging
from munshi.settings import load_settings

LIMIT = 2.0
# MB a minute once the server is warm; what a short run gains, it gains by getting warm.
GROWTH, LONG_ENOUGH = 1.0, 300.0
CONNECTIONS = 20
# What programs ask most, as often as it stands here.
PATHS = (
    *("/auth/db/status", "/jobs/running", "/auth/db/status", "/jobs?limit=20", "/auth/db/status"),
    *("/alerts", "/auth/db/status", "/config/jobs/keep_days", "/auth/db/status", "/jobs/queues"),
)
LIVE = ("/ui/live/today", "/ui/live/jobs", "/ui/live/queues", "/ui/live/schedules")
_OWNER = Actor(user_id="benchmark")
_PASSWORD = "heron lantern moss quartet"


@dataclass(slots=True)
class Phase:
    """One kind of turn over all rounds: seconds each request took, and the server's CPU."""

    took: list[float] = field(default_factory=list)
    cpu: float = 0.0
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def _request(path: str, port: int, header: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: bench\r\n"
        f"Accept: */*\r\n{header}\r\n\r\n"
    ).encode()


async def _ask(
    port: int, header: str, phase: Phase, *, number: int, rate: float, end: float
) -> None:
    """One kept-alive connection of CONNECTIONS, whose requests are due at an even beat."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    step = CONNECTIONS / rate
    due, turn = time.perf_counter() + number / rate, number
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        writer.write(_request(PATHS[turn % len(PATHS)], port, header))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lowered = head.lower()
        at = lowered.index(b"content-length:") + len(b"content-length:")
        await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
        phase.took.append(time.perf_counter() - due)
        due, turn = due + step, turn + 1
    writer.close()
    await writer.wait_closed()


async def _watch(port: int, cookie: str, number: int, told: list[int]) -> None:
    """One page left open: reads whatever comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    try:
        writer.write(_request(LIVE[number % len(LIVE)], port, cookie))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        while found := await reader.read(2**16):
            told[0] += found.count(b"id: ")
    finally:
        writer.close()


async def _turn(
    port: int, key: str, cookie: str, phase: Phase, *, pages: int, rate: float, seconds: float
) -> int:
    told = [0]
    watching = [asyncio.create_task(_watch(port, cookie, each, told)) for each in range(pages)]
    await asyncio.sleep(1.0)
    end = time.perf_counter() + seconds
    await asyncio.gather(
        *(
            _ask(port, key, phase, number=number, rate=rate, end=end)
            for number in range(CONNECTIONS)
        )
    )
    for task in watching:
        assert not task.done() or task.exception() is None, task
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*watching, return_exceptions=True)
    phase.seconds += seconds
    return told[0]


def _slope(samples: list[tuple[float, float]]) -> float:
    """Least squares, MB a minute."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    across = sum((x - mean_x) ** 2 for x, _ in samples) or 1.0
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in samples) / across


def _sample(
    server: psutil.Process, samples: list[tuple[float, float]], over: threading.Event
) -> None:
    while not over.wait(1.0):
        samples.append((time.perf_counter(), server.memory_info().rss / 2**20))


def _measure(
    options: argparse.Namespace, server: psutil.Process, port: int, key: str, cookie: str
) -> bool:
    bare, paged = Phase(), Phase()
    samples: list[tuple[float, float]] = []
    over = threading.Event()
    told = 0
    asyncio.run(_turn(port, key, cookie, Phase(), pages=options.pages, rate=50, seconds=5))
    sampler = threading.Thread(target=_sample, args=(server, samples, over))
    sampler.start()
    try:
        for _ in range(options.rounds):
            for phase, pages in ((bare, 0), (paged, options.pages)):
                before = sum(server.cpu_times()[:2])
                told += asyncio.run(
                    _turn(
                        port, key, cookie, phase,
                        pages=pages, rate=options.rate, seconds=options.seconds,
                    )
                )  # fmt: skip
                phase.cpu += sum(server.cpu_times()[:2]) - before
    finally:
        over.set()
        sampler.join()
    print(
        f"\n{'open pages':>10} {'requests':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'CPU':>7}"
    )
    for pages, phase in ((0, bare), (options.pages, paged)):
        print(
            f"{pages:>10} {len(phase.took):>9} {phase.percentile(0.5):8.1f} "
            f"{phase.percentile(0.95):8.1f} {phase.percentile(0.99):8.1f} "
            f"{100 * phase.cpu / phase.seconds:6.0f}%"
        )
    ratio = paged.percentile(0.99) / bare.percentile(0.99)
    later = samples[len(samples) // 3 :]
    print(f"\np99 with pages is {ratio:.2f} times that without; limit {LIMIT:g}")
    print(f"{told:,} parts were sent to pages")
    slope, judged = _slope(later), later[-1][0] - later[0][0]
    is_judged = judged >= LONG_ENOUGH
    print(
        f"memory of the server: {samples[0][1]:.0f} MB, {samples[-1][1]:.0f} MB at the end, "
        f"{slope:+.2f} MB a minute over the last {judged:.0f} s, "
        + (f"limit {GROWTH:g}" if is_judged else "too short to judge")
    )
    return ratio <= LIMIT and (slope <= GROWTH or not is_judged)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=20.0, help="of one turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each kind")
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--events", type=float, default=5.0, help="jobs a second")
    options = parser.parse_args()
    if options.serve:
        _serve(Path(options.serve), options.events)
        return 0
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--serve", home, "--events", str(options.events)]
        served = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={name: text for name, text in os.environ.items() if "MUNSHI" not in name},
        )
        assert served.stdout is not None
        try:
            port, token, key = served.stdout.readline().split()
            print(
                f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load before "
                f"{os.getloadavg()[0]:.1f}; SQLite; {options.events:g} jobs a second run beside; "
                f"{options.rounds} turns of {options.seconds:g} s each way"
            )
            kept = _measure(
                options,
                psutil.Process(served.pid),
                int(port),
                f"Authorization: Bearer {key}",
                f"Cookie: munshi={token}",
            )
        finally:
            served.terminate()
            served.wait(timeout=30)
    return 0 if kept else 1


def _serve(home: Path, events: float) -> None:
    settings = load_settings(_env_file=None, home=home, env_file=home / ".env")
    with (home / "log").open("w", encoding="utf-8") as log:
        configure_logging("INFO", stream=log)
        with open_database(settings) as database:
            migrate.upgrade(database)
        endpoints = BrokerEndpoints.at("http://127.0.0.1:9")
        with open_services(settings, endpoints=endpoints) as services:
            token, key = _prepare(services)
            over = threading.Event()
            asking = threading.Thread(target=_keep_busy, args=(services, events, over))
            worker = services.worker()
            with listen("127.0.0.1", 0) as listener:
                here = address_of(listener)
                with closing(create_site(services, listening=[here])) as site:
                    worker.start()
                    asking.start()
                    try:
                        print(here[1], token, key, flush=True)
                        build_server(site.app, on_stop=site.end_streams).run(sockets=[listener])
                    finally:
                        over.set()
                        asking.join()
                        worker.stop()


def _prepare(services: Services) -> tuple[str, str]:
    """A session's token and an API key, of somebody who may call as often as they like."""
    services.config.seed(actor=_OWNER)
    services.config.set(API, RATE_LIMIT_PER_MINUTE, 100_000, actor=_OWNER)
    people = services.people
    people.users.add("bench", Role.ADMIN, password=_PASSWORD, actor=_OWNER)
    granted = people.sign_ins.sign_in("bench", _PASSWORD, user_agent="bench", actor=_OWNER)
    return granted.token, people.api_keys.create("bench", "load", actor=_OWNER).text


def _keep_busy(services: Services, events: float, over: threading.Event) -> None:
    while not over.wait(1 / events):
        services.jobs.enqueue("session_cleanup", {}, actor=_OWNER)


if __name__ == "__main__":
    sys.exit(main())
