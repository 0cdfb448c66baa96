"""Many processes at one broker, and what its own log of arrivals says of them."""

import sqlite3
import statistics
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from munshi.infrastructure.brokers.simulator.record import read_record
from munshi.infrastructure.brokers.simulator.serving import STATE_NAME
from processes import wait_until
from rate_limits.caller_process import PATH, CallerProcess, Orders

KEPT = 1_000_000
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`fullest` is the most calls in any stretch of the window's length."""

    calls: int
    fullest: int
    used: float
    median_reply: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.calls} calls in {self.seconds:.1f} s, at most {self.fullest} in a window, "
            f"{self.used:.1%} of what was possible, median reply {self.median_reply * 1000:.1f} ms"
        )


@contextmanager
def simulator_process(home: Path) -> Iterator[str]:
    """Both brokers in a process of their own, without limits; where it listens."""
    module = "munshi.infrastructure.brokers.simulator"
    words = ["--home", str(home), "--no-limits", "--arrivals-kept", str(KEPT)]
    with subprocess.Popen([sys.executable, "-m", module, *words]) as process:
        try:
            wait_until(lambda: read_record(home) is not None)
            record = read_record(home)
            assert record is not None
            yield record.url
        finally:
            process.kill()


@contextmanager
def callers(
    processes: int, *, database: str, broker: str, threads: int, calls: int
) -> Iterator[list[CallerProcess]]:
    """`calls` in all, shared out; every process is ready and told to go."""
    orders = Orders(
        database=database,
        broker=broker,
        threads=max(threads // processes, 1),
        calls=calls // processes,
    )
    started = [CallerProcess(orders) for _ in range(processes)]
    try:
        for each in started:
            each.wait_until_ready()
        for each in started:
            each.go()
        yield started
    finally:
        for each in started:
            each.close()


def arrivals(home: Path) -> list[float]:
    """When each call arrived, on the broker's clock: seconds, in order."""
    with closing(sqlite3.connect(home / STATE_NAME)) as state:
        rows = state.execute(
            "SELECT arrived_at FROM arrivals WHERE path = ? ORDER BY arrived_at", (PATH,)
        )
        return [at / _MICROS for (at,) in rows]


def judge(
    arrived: Sequence[float], replies: Sequence[float], *, limit: int, window: float
) -> Verdict:
    """`used` compares with slots that are taken again the moment they are free.

    Each call follows the one that had its slot before it, `limit` calls ago.
    """
    reply = statistics.median(replies)
    turns = [late - early for early, late in zip(arrived, arrived[limit:], strict=False)]
    return Verdict(
        calls=len(arrived),
        fullest=fullest_window(arrived, window),
        used=(window + reply) / statistics.fmean(turns),
        median_reply=reply,
        seconds=arrived[-1] - arrived[0],
    )


def fullest_window(arrived: Sequence[float], window: float) -> int:
    """The most calls in any half-open stretch of `window` seconds."""
    return max(bisect_left(arrived, at + window) - index for index, at in enumerate(arrived))
