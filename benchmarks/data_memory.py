"""How much memory walking over a range takes: a process of its own for each length of range.

`python benchmarks/data_memory.py FOLDER FIRST LAST` prints by how many MiB it grew at most.
"""

import subprocess
import sys
from datetime import date
from pathlib import Path

import psutil
from data_made import opened

from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval

MADE = InstrumentRef("NSE", "MADE")
PAGE = 5_000


def growth(folder: Path, first: date, last: date) -> float:
    """MiB that a fresh process holds more, at most, than after its first page."""
    words = [sys.executable, __file__, str(folder), first.isoformat(), last.isoformat()]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _walk(folder: Path, first: date, last: date) -> float:
    process, cursor, held = psutil.Process(), None, []
    with opened(folder) as candles:
        while not held or cursor is not None:
            page = candles.page(
                MADE, Interval.ONE_MINUTE, start=first, end=last, cursor=cursor, limit=PAGE
            )
            cursor = page.next_cursor
            held.append(process.memory_info().rss / 2**20)
    return max(held) - held[0]


if __name__ == "__main__":
    print(_walk(Path(sys.argv[1]), *map(date.fromisoformat, sys.argv[2:])))
