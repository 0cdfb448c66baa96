"""diskcache on its file, and a TTLCache of cachetools behind a lock.

Run by benchmarks/cache.py in .bench/peers; prints one JSON document of CPU µs each.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from threading import Lock

import diskcache
from cachetools import TTLCache

SECONDS = 600


def cpu_us(work: Callable[[int], object], count: int) -> float:
    for number in range(count // 10):
        work(number)
    began = time.process_time()
    for number in range(count):
        work(number)
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    folder, entries, size, count = sys.argv[1], *map(int, sys.argv[2:])
    keys = [f"key {number}" for number in range(entries)]
    value = bytes(size)
    with diskcache.Cache(folder) as disk:
        for key in keys:
            disk.set(key, value, expire=SECONDS)
        get = cpu_us(lambda n: disk.get(keys[n % entries]), count)
        put = cpu_us(lambda n: disk.set(keys[n % entries], value, expire=SECONDS), count)
        synchronous = disk.disk_min_file_size and disk.sqlite_synchronous
    held: TTLCache[str, bytes] = TTLCache(2 * entries, SECONDS)
    held.update(dict.fromkeys(keys, value))
    lock = Lock()

    def hit(number: int) -> bytes | None:
        with lock:
            return held.get(keys[number % entries])

    document = {
        "get": get,
        "set": put,
        "synchronous": synchronous,
        "hit": cpu_us(hit, 10 * count),
        "versions": {name: version(name) for name in ("diskcache", "cachetools")},
    }
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
