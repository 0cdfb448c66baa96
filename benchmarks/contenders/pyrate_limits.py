"""pyrate-limiter on SQLite with its file lock, which several processes can share.

Run by benchmarks/limits.py in .bench/peers; prints one JSON document.
"""

import json
import random
import sys
import threading
import time
from importlib.metadata import version

from pyrate_limiter import Limiter, Rate, SQLiteBucket


def make(path: str, requests: int, seconds: float) -> Limiter:
    rates = [Rate(requests, round(seconds * 1000))]
    return Limiter(SQLiteBucket.init_from_file(rates, db_path=path, use_file_lock=True))


def decide(path: str, requests: int, seconds: float, decisions: int) -> dict[str, object]:
    """CPU µs a permit; its clock is moved on, so that every one is given, as for the others."""
    bucket = SQLiteBucket.init_from_file(
        [Rate(requests, round(seconds * 1000))], db_path=path, use_file_lock=True
    )
    limiter = Limiter(bucket)
    at = bucket.now()
    bucket.now = lambda: round(at)

    def work() -> None:
        nonlocal at
        at += 1100 * seconds / requests
        if not limiter.try_acquire("calls", blocking=False):
            raise RuntimeError("a permit should have been given")

    for _ in range(decisions // 10):
        work()
    began = time.process_time()
    for _ in range(decisions):
        work()
    used = time.process_time() - began
    return {"cpu_us": used / decisions * 1e6, "version": version("pyrate-limiter")}


def bunch(path: str, requests: int, seconds: float, calls: int, late: float) -> dict[str, object]:
    """Arrivals of calls that take up to `late` seconds to get there; one thread at a time asks."""
    limiter = make(path, requests, seconds)
    luck = random.Random(11)  # noqa: S311 - bunching, not secrecy
    arrived: list[float] = []
    threads: list[threading.Thread] = []

    def travel(takes: float) -> None:
        time.sleep(takes)
        arrived.append(time.monotonic())

    for _ in range(calls):
        limiter.try_acquire("calls")
        threads.append(threading.Thread(target=travel, args=(luck.uniform(0.0, late),)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return {"arrived": sorted(arrived)}


def main() -> None:
    what, path, *numbers = sys.argv[1:]
    given = [float(number) for number in numbers]
    if what == "decide":
        document = decide(path, int(given[0]), given[1], int(given[2]))
    else:
        document = bunch(path, int(given[0]), given[1], int(given[2]), given[3])
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
