"""Four processes read, change and write back on one SQLite file: every change counts."""

import os
import subprocess
import sys
from pathlib import Path

from munshi.infrastructure.database.engine import Database

TESTS = Path(__file__).parents[2]
PROCESSES = 4
CHANGES = 40
COUNTER = """
import sys
from datetime import UTC, datetime
from databases import open_database

database = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    with database.transaction() as tx:
        found = tx.config.get_config("test", "count")
        count = 0 if found is None else found.value
        tx.config.set_config(
            "test", "count", count + 1, updated_by="test", now=datetime.now(UTC)
        )
"""


def test_read_modify_write_from_four_processes_ends_with_the_exact_count(
    sqlite_url: str, sqlite_database: Database
) -> None:
    counters = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, sqlite_url, str(CHANGES)],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for counter in counters:
        assert counter.stdout is not None
        assert counter.stdout.readline() == "ready\n"

    for counter in counters:
        assert counter.stdin is not None
        counter.stdin.write("go\n")
        counter.stdin.flush()
    said = [counter.communicate(timeout=120) for counter in counters]

    with sqlite_database.reading() as tx:
        found = tx.config.get_config("test", "count")
        revision = tx.config.get_revision()
    assert [error for _, error in said] == [""] * PROCESSES
    assert [counter.returncode for counter in counters] == [0] * PROCESSES
    assert found is not None
    assert found.value == PROCESSES * CHANGES
    assert revision == PROCESSES * CHANGES
