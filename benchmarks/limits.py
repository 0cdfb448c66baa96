"""What a permit costs, and how many calls get into the worst window: ours beside others.

CPU µs of a decision by one process, client and server together: median of some rounds. Then
calls that take a while to reach the broker, as calls do, against a limit of ten a second.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from jobs_ground import Ground, grounds

from clocks import FakeClock
from munshi.clock import SystemClock
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.types import to_text
from munshi.infrastructure.database.url import parse_database_url
from quotas import open_gate, set_limit

BENCHMARKS = Path(__file__).parent
PEERS = BENCHMARKS.parent / ".bench" / "peers" / "bin" / "python"
START = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
NAME, WINDOW = "kite.other", 1.0
LIMITS = (10, 100, 500)
MOST_OF_BARE, LEAST_TIMES_CHEAPER = 1.3, 10.0
# The worst window: how many a second, how many calls, how late they may arrive (seconds).
WORST_LIMIT, WORST_CALLS, LATE = 10, 60, 0.3
_SQLITE = """UPDATE "ApiRateSlots" SET free_at = ?1 WHERE pool_id = ?2 AND slot = (
  SELECT slot FROM "ApiRateSlots" WHERE pool_id = ?2 AND free_at <= ?3 ORDER BY free_at LIMIT 1)
RETURNING slot"""
_POSTGRESQL = """UPDATE "ApiRateSlots" SET free_at = %s WHERE pool_id = %s AND slot = (
  SELECT slot FROM "ApiRateSlots" WHERE pool_id = %s AND free_at <= %s ORDER BY free_at LIMIT 1
  FOR UPDATE SKIP LOCKED) RETURNING slot"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; None where it was not measured."""

    contender: str
    database: str
    limit: int
    cpu_us: float | None
    worst_window: int | None = None


@contextmanager
def prepared(ground: Ground, limit: int) -> Iterator[Database]:
    url = ground.copy("empty")
    with closing(open_url(url)) as database:
        set_limit(database, FakeClock(START), NAME, {"requests": limit, "seconds": 1})
        yield database


def open_url(url: str) -> Database:
    return Database(parse_database_url(url, home=Path()))


def cpu_of(ground: Ground, work: Callable[[], None], decisions: int) -> float:
    """CPU µs a decision; the first tenth is not measured."""
    for _ in range(decisions // 10):
        work()
    began = time.process_time() + ground.server_cpu()
    for _ in range(decisions):
        work()
    return (time.process_time() + ground.server_cpu() - began) / decisions * 1e6


def bare(database: Database, limit: int) -> tuple[Callable[[], None], FakeClock]:
    """One statement a permit, committed; nothing is said of when the call came back."""
    clock = FakeClock(START)
    with closing(open_gate(database, clock)) as gate:
        pool = gate.pools.in_force().by_name[NAME].pool_id
    connection = database.driver_connection()
    step = timedelta(seconds=1.1 * WINDOW / limit)
    if database.dialect == "sqlite":
        connection.execute("PRAGMA synchronous = NORMAL")
    else:
        connection.autocommit = True
    window = timedelta(seconds=WINDOW)

    def sqlite() -> None:
        clock.advance(step)
        now = clock.now()
        values = (to_text(now + window), pool, to_text(now))
        if not connection.execute(_SQLITE, values).fetchall():
            raise RuntimeError("a slot should have been free")

    def postgresql() -> None:
        clock.advance(step)
        now = clock.now()
        values = (now + window, pool, pool, now)
        if not connection.execute(_POSTGRESQL, values, prepare=True).fetchall():
            raise RuntimeError("a slot should have been free")

    return (sqlite if database.dialect == "sqlite" else postgresql), clock


def ours(ground: Ground, database: Database, limit: int, decisions: int) -> float:
    clock = FakeClock(START)
    step = timedelta(seconds=1.1 * WINDOW / limit)
    with closing(open_gate(database, clock)) as gate:

        def work() -> None:
            clock.advance(step)
            with gate.permit(NAME):
                pass

        return cpu_of(ground, work, decisions)


def peer(*words: object) -> dict[str, Any] | None:
    """What pyrate-limiter's process says; None where it is not installed."""
    if not PEERS.exists():
        return None
    script = BENCHMARKS / "contenders" / "pyrate_limits.py"
    done = subprocess.run(
        [str(PEERS), str(script), *map(str, words)], capture_output=True, text=True, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def fullest(arrived: list[float]) -> int:
    return max(bisect_left(arrived, at + WINDOW) - index for index, at in enumerate(arrived))


def worst_of(take: Callable[[], Callable[[], None]]) -> int:
    """Many callers; `take` waits for a permit and returns what is called with the reply."""
    arrived: list[float] = []
    luck = random.Random(11)  # noqa: S311 - bunching, not secrecy
    left = iter(range(WORST_CALLS))
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
                there, back = luck.uniform(0.0, LATE), luck.uniform(0.0, 0.02)
            give_back = take()
            time.sleep(there)
            arrived.append(time.monotonic())
            time.sleep(back)
            give_back()

    threads = [threading.Thread(target=run) for _ in range(4 * WORST_LIMIT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return fullest(sorted(arrived))


def worst_bare(database: Database) -> int:
    """Slots stamped at the grant."""
    with closing(open_gate(database, SystemClock())) as gate:
        pool = gate.pools.in_force().by_name[NAME].pool_id
    connection = database.driver_connection()
    lock = threading.Lock()
    clock = SystemClock()

    def take() -> Callable[[], None]:
        while True:
            with lock:
                now = clock.now()
                values = (to_text(now + timedelta(seconds=WINDOW)), pool, to_text(now))
                if connection.execute(_SQLITE, values).fetchall():
                    return lambda: None
            time.sleep(0.005)

    try:
        return worst_of(take)
    finally:
        connection.close()


def worst_ours(database: Database) -> int:
    with closing(open_gate(database, SystemClock())) as gate:

        def take() -> Callable[[], None]:
            permit = gate.permit(NAME)
            permit.__enter__()

            def give_back() -> None:
                permit.__exit__(None, None, None)

            return give_back

        return worst_of(take)


def measure(ground: Ground, limit: int, *, rounds: int, decisions: int) -> dict[str, float | None]:
    found: dict[str, list[float]] = {"bare UPDATE … RETURNING": [], "Munshi": []}
    for _ in range(rounds):
        with prepared(ground, limit) as database:
            work, _clock = bare(database, limit)
            found["bare UPDATE … RETURNING"].append(cpu_of(ground, work, decisions))
        with prepared(ground, limit) as database:
            found["Munshi"].append(ours(ground, database, limit, decisions))
    return {name: statistics.median(values) for name, values in found.items()}


def worst_windows(ground: Ground, folder: Path) -> dict[str, int]:
    worst: dict[str, int] = {}
    with prepared(ground, WORST_LIMIT) as database:
        worst["bare UPDATE … RETURNING"] = worst_bare(database)
    with prepared(ground, WORST_LIMIT) as database:
        worst["Munshi"] = worst_ours(database)
    path = folder / "worst.sqlite"
    said = peer("bunch", path, WORST_LIMIT, WINDOW, WORST_CALLS, LATE)
    if said is not None:
        worst["pyrate-limiter"] = fullest(said["arrived"])
    return worst


def measure_all(folder: Path, *, rounds: int, decisions: int) -> list[Row]:
    rows: list[Row] = []
    (folder / "ground").mkdir()
    with grounds(folder / "ground", frozenset({"SQLite", "PostgreSQL"})) as (server, files):
        for ground in (files, server):
            with closing(open_url(ground.template("empty"))) as database:
                migrate.upgrade(database)
            ground.settle("empty")
        worst = worst_windows(files, folder)
        for ground in (files, server):
            for limit in LIMITS:
                found = measure(ground, limit, rounds=rounds, decisions=decisions)
                if ground is files:
                    said = peer("decide", folder / f"{limit}.sqlite", limit, WINDOW, decisions)
                    found["pyrate-limiter"] = said and said["cpu_us"]
                is_shown = ground is files and limit == WORST_LIMIT
                rows += [
                    Row(
                        contender=contender,
                        database=ground.name,
                        limit=limit,
                        cpu_us=cpu,
                        worst_window=worst.get(contender) if is_shown else None,
                    )
                    for contender, cpu in found.items()
                ]
    return rows


def table(rows: list[Row]) -> str:
    lines = ["| contender | database | limit | CPU µs a decision | of bare | worst window of 10 |"]
    lines.append("|---|---|---|---|---|---|")
    for row in rows:
        floor = next(
            (
                r.cpu_us
                for r in rows
                if r.contender.startswith("bare")
                and (r.database, r.limit) == (row.database, row.limit)
            ),
            None,
        )
        ratio = "" if not floor or row.cpu_us is None else f"{row.cpu_us / floor:.2f}"
        cpu = "not installed" if row.cpu_us is None else f"{row.cpu_us:.1f}"
        worst = "" if row.worst_window is None else row.worst_window
        lines.append(
            f"| {row.contender} | {row.database} | {row.limit} | {cpu} | {ratio} | {worst} |"
        )
    return "\n".join(lines)


def missed_aims(rows: list[Row]) -> list[str]:
    missed = []
    cpu = {(r.contender, r.database, r.limit): r.cpu_us for r in rows if r.cpu_us is not None}
    for (contender, database, limit), used in cpu.items():
        floor = cpu.get(("bare UPDATE … RETURNING", database, limit))
        if contender == "Munshi" and floor and used > MOST_OF_BARE * floor:
            missed.append(f"{database}, {limit}: {used / floor:.2f} of bare, not {MOST_OF_BARE}")
        mine = cpu.get(("Munshi", database, limit))
        if contender == "pyrate-limiter" and mine and used < LEAST_TIMES_CHEAPER * mine:
            missed.append(f"{limit}: {used / mine:.1f} times cheaper than pyrate-limiter")
    missed += [
        f"{r.worst_window} calls in a window of {WORST_LIMIT}"
        for r in rows
        if r.contender == "Munshi" and (r.worst_window or 0) > WORST_LIMIT
    ]
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    rounds, decisions = (1, 1000) if asked.quick else (5, 5000)
    with tempfile.TemporaryDirectory(prefix="munshi-limits-", ignore_cleanup_errors=True) as name:
        rows = measure_all(Path(name), rounds=rounds, decisions=decisions)
    missed = missed_aims(rows)
    if asked.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "missed": missed}, indent=2))
    else:
        print(table(rows))
        print(f"\nload {os.getloadavg()[0]:.1f}; missed: {'; '.join(missed) or 'nothing'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
