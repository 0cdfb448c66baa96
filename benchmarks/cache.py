"""What the cache costs beside a locked dict, the bare driver, diskcache and cachetools.

CPU µs each, client and server together: median of rounds in which all take turns. Values are 1,000
bytes under a thousand keys. Nobody waits for the disk: synchronous=NORMAL, synchronous_commit=off.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from jobs_ground import Ground, grounds

from munshi.cache.cache import Cache
from munshi.cache.open_shelf import OpenShelf
from munshi.cache.shelf import Shelf
from munshi.clock import SystemClock
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.types import to_text
from munshi.infrastructure.database.url import parse_database_url

BENCHMARKS = Path(__file__).parent
PEERS = BENCHMARKS.parent / ".bench" / "peers" / "bin" / "python"
ENTRIES, SIZE, MISSES = 1000, 1000, 1000
KEYS = [f"key {number}" for number in range(ENTRIES)]
VALUE = bytes(SIZE)
BYTES = Shelf[bytes](name="bytes", holds=bytes, fresh_seconds=600)
ONCE = Shelf[int](name="once", holds=int, fresh_seconds=600)
_GET = 'SELECT cache_value, expires_at FROM "CacheEntries" WHERE cache_key = '
_PUT = """INSERT INTO "CacheEntries" (cache_key, namespace, cache_value, codec, size_bytes,
created_at, expires_at) VALUES ({0}, {0}, {0}, {0}, {0}, {0}, {0}) ON CONFLICT (cache_key)
DO UPDATE SET cache_value = excluded.cache_value, expires_at = excluded.expires_at"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """`ours` costs at most `most` times what `other` does; below 1, other is that much dearer."""

    database: str
    ours: str
    other: str
    most: float


AIMS = (
    Aim(database="", ours="hit: Munshi", other="hit: locked dict", most=4.0),
    Aim(database="SQLite", ours="get: Munshi", other="get: bare SELECT", most=1.5),
    Aim(database="PostgreSQL", ours="get: Munshi", other="get: bare SELECT", most=1.5),
    Aim(database="SQLite", ours="get: Munshi", other="get: diskcache", most=1 / 2),
    Aim(database="SQLite", ours="set: Munshi", other="set: diskcache", most=1 / 3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    database: str
    what: str
    cpu_us: float


def cpu_us(work: Callable[[int], object], count: int, ground: Ground | None = None) -> float:
    """The first tenth is not measured."""
    for number in range(count // 10):
        work(number)
    server = ground.server_cpu if ground else lambda: 0.0
    began = time.process_time() + server()
    for number in range(count):
        work(number)
    return (time.process_time() + server() - began) / count * 1e6


def locked_dict(count: int) -> float:
    held, lock = dict.fromkeys(KEYS, VALUE), threading.Lock()

    def hit(number: int) -> bytes | None:
        with lock:
            return held.get(KEYS[number % ENTRIES])

    return cpu_us(hit, count)


def first_level(shelf: OpenShelf[bytes], count: int) -> float:
    for _ in range(2):
        for key in KEYS:
            shelf.get(key)
    return cpu_us(lambda number: shelf.get(KEYS[number % ENTRIES]), count)


def second_level(cache: Cache, shelf: OpenShelf[bytes], ground: Ground, rounds: int) -> list[float]:
    """CPU of the first get of each key by a process, and of the second, after which it is held."""
    spent = [0.0, 0.0]
    for _ in range(rounds):
        cache._first.clear()  # noqa: SLF001 - as in a process that has just begun
        shelf._rows._seen_once.clear()  # noqa: SLF001
        for turn in range(2):
            began = time.process_time() + ground.server_cpu()
            for key in KEYS:
                shelf.get(key)
            spent[turn] += time.process_time() + ground.server_cpu() - began
    return [each / rounds / ENTRIES * 1e6 for each in spent]


def bare(database: Database) -> tuple[Callable[[int], object], Callable[[int], object]]:
    connection = database.driver_connection()
    keys = [f"bare:{key}" for key in KEYS]
    now = datetime.now(UTC)
    if database.dialect == "sqlite":
        connection.execute("PRAGMA synchronous = NORMAL")
        get, put, until = f"{_GET}?", _PUT.format("?"), to_text(now)
        ask: Callable[..., Any] = connection.execute
    else:
        connection.autocommit = True
        connection.execute("SET synchronous_commit = off")
        get, put, until = f"{_GET}%s", _PUT.format("%s"), now  # type: ignore[assignment]

        def ask(statement: str, values: tuple[object, ...]) -> Any:  # noqa: ANN401
            return connection.execute(statement, values, prepare=True)

    def bare_get(number: int) -> object:
        return ask(get, (keys[number % ENTRIES],)).fetchone()

    def bare_put(number: int) -> object:
        # SQLite writes nothing for a row that stays as it was.
        value = b"%08d" % number + VALUE[8:]
        values = (keys[number % ENTRIES], "bare", value, "none", SIZE, until, until)
        return ask(put, values)

    return bare_get, bare_put


def misses(cache: Cache) -> int:
    """How often a thousand threads that miss at once work it out."""
    shelf, calls, gate = cache.open(ONCE), [], threading.Barrier(MISSES)

    def compute() -> int:
        calls.append(1)
        time.sleep(0.1)
        return 1

    def ask(_: int) -> int:
        gate.wait()
        return shelf.get_or_compute("it", compute)

    with ThreadPoolExecutor(MISSES) as threads:
        list(threads.map(ask, range(MISSES)))
    return len(calls)


def peers(folder: Path, count: int) -> dict[str, Any] | None:
    """What the other caches' process says; None where they are not installed."""
    if not PEERS.exists():
        return None
    script = BENCHMARKS / "contenders" / "caches.py"
    words = [str(PEERS), str(script), str(folder), str(ENTRIES), str(SIZE), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def round_of(
    ground: Ground, database: Database, cache: Cache, *, count: int
) -> dict[tuple[str, str], float]:
    shelf, name = cache.open(BYTES), ground.name
    bare_get, bare_put = bare(database)
    found = {(name, "set: bare upsert"): cpu_us(bare_put, count, ground)}
    found[name, "set: Munshi"] = cpu_us(
        lambda number: shelf.set(KEYS[number % ENTRIES], VALUE), count, ground
    )
    found[name, "get: bare SELECT"] = cpu_us(bare_get, count, ground)
    first, second = second_level(cache, shelf, ground, max(count // ENTRIES, 1))
    found[name, "get: Munshi"] = first
    found[name, "get: Munshi, second time"] = second
    if name == "SQLite":
        found["", "hit: locked dict"] = locked_dict(10 * count)
        found["", "hit: Munshi"] = first_level(shelf, 10 * count)
    return found


def measure(folder: Path, *, rounds: int, count: int) -> tuple[list[Row], dict[str, int]]:
    costs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    computed: dict[str, int] = {}
    (folder / "ground").mkdir()
    with grounds(folder / "ground", frozenset({"SQLite", "PostgreSQL"})) as (server, files):
        for ground in (files, server):
            url = ground.template("cache")
            with closing(Database(parse_database_url(url, home=Path()))) as database:
                migrate.upgrade(database)
                with closing(Cache(database, SystemClock())) as cache:
                    computed[ground.name] = misses(cache)
                    for number in range(rounds):
                        found = round_of(ground, database, cache, count=count)
                        if ground is files:
                            found |= peers_of(folder / str(number), count)
                        for key, cost in found.items():
                            costs[key].append(cost)
    rows = [
        Row(database=database, what=what, cpu_us=statistics.median(each))
        for (database, what), each in sorted(costs.items())
    ]
    return rows, computed


def peers_of(folder: Path, count: int) -> dict[tuple[str, str], float]:
    said = peers(folder, count)
    if said is None:
        return {}
    return {
        ("SQLite", "get: diskcache"): said["get"],
        ("SQLite", "set: diskcache"): said["set"],
        ("", "hit: cachetools behind a lock"): said["hit"],
    }


def missed_aims(rows: list[Row], computed: dict[str, int]) -> list[str]:
    costs = {(row.database, row.what): row.cpu_us for row in rows}
    missed = []
    for aim in AIMS:
        other = costs.get((aim.database, aim.other))
        ratio = costs[aim.database, aim.ours] / other if other else 0.0
        if ratio > aim.most:
            missed.append(
                f"{aim.database} {aim.ours} costs {ratio:.2f} of {aim.other}, not {aim.most:.2f}"
            )
    missed += [
        f"{name}: {MISSES} misses computed {count} times"
        for name, count in computed.items()
        if count != 1
    ]
    return missed


def table(rows: list[Row]) -> str:
    lines = ["| what | database | CPU µs | of the first |", "|---|---|---|---|"]
    floors = {"get": "get: bare SELECT", "set": "set: bare upsert", "hit": "hit: locked dict"}
    costs = {(row.database, row.what): row.cpu_us for row in rows}
    for row in sorted(rows, key=lambda row: (row.what[:3], row.database, row.cpu_us)):
        floor = costs.get((row.database, floors[row.what[:3]]))
        ratio = "" if floor is None else f"{row.cpu_us / floor:.2f}"
        lines.append(f"| {row.what} | {row.database or 'none'} | {row.cpu_us:.2f} | {ratio} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    rounds, count = (1, 1000) if asked.quick else (5, 5000)
    with tempfile.TemporaryDirectory(prefix="munshi-cache-", ignore_cleanup_errors=True) as name:
        rows, computed = measure(Path(name), rounds=rounds, count=count)
    missed = missed_aims(rows, computed)
    if asked.json:
        rows_shown = [asdict(row) for row in rows]
        print(json.dumps({"rows": rows_shown, "computed": computed, "missed": missed}, indent=2))
    else:
        print(table(rows))
        print(f"\n{MISSES} misses at once computed: {computed}")
        print(f"load {os.getloadavg()[0]:.1f}; missed: {'; '.join(missed) or 'nothing'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
