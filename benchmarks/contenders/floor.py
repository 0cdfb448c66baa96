"""The floor: claim and complete with nothing but the driver, on a table of its own.

No lease, no attempts, no retries; finished jobs are kept. Each batch is claimed in one durable
commit and completed in another; with the argument `joined` a batch is completed in the commit that
claims the next.
"""

import sqlite3
import sys
from collections.abc import Iterator

import psycopg
from psycopg.rows import TupleRow
from speaking import Latencies, Tally, serve, sqlite_durability

POSTGRESQL_TABLE = """
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status smallint NOT NULL DEFAULT 0,
    priority smallint NOT NULL DEFAULT 0,
    stamp bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX claim ON jobs (priority, id) WHERE status = 0;
"""
SQLITE_TABLE = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    status INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX claim ON jobs (priority, id) WHERE status = 0;
"""
POSTGRESQL_END = "UPDATE jobs SET status = 2 WHERE id = ANY(%s)"
DUE = "SELECT id FROM jobs WHERE status = 0 ORDER BY priority, id LIMIT"


class PostgresQueue:
    """psycopg, autocommit, statements prepared at their first use, LIMIT written out."""

    def __init__(self, url: str, *, batch: int) -> None:
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        # As an array the ids are found once; with IN the planner may join the whole table.
        claim = (
            "UPDATE jobs SET status = 1 "
            f"WHERE id = ANY(ARRAY({DUE} {batch} FOR UPDATE SKIP LOCKED)) RETURNING id, stamp"
        )
        self._claim = claim.encode()
        self._swap = f"WITH ended AS ({POSTGRESQL_END}) {claim}".encode()

    def claim(self) -> list[TupleRow]:
        """Ids and stamps."""
        return self.connection.execute(self._claim).fetchall()

    def complete(self, jobs: list[TupleRow]) -> None:
        self.connection.execute(POSTGRESQL_END, ([job[0] for job in jobs],))

    def swap(self, jobs: list[TupleRow]) -> list[TupleRow]:
        """Complete these and claim the next ones."""
        return self.connection.execute(self._swap, ([job[0] for job in jobs],)).fetchall()

    def rest(self) -> None:
        """Until something is notified, or for a second."""
        for _ in self.connection.notifies(timeout=1.0, stop_after=1):
            pass


class SqliteQueue:
    """sqlite3; a statement is a transaction."""

    def __init__(self, url: str, *, batch: int) -> None:
        self.connection = _open(url)
        self._batch = batch
        self._claim = f"UPDATE jobs SET status = 1 WHERE id IN ({DUE} {batch}) RETURNING id"
        self._complete = f"UPDATE jobs SET status = 2 WHERE id IN ({', '.join('?' * batch)})"

    def claim(self) -> list[tuple[int]]:
        return self.connection.execute(self._claim).fetchall()

    def complete(self, jobs: list[tuple[int]]) -> None:
        ids = [job[0] for job in jobs]
        self.connection.execute(self._complete, ids + [None] * (self._batch - len(ids)))

    def swap(self, jobs: list[tuple[int]]) -> list[tuple[int]]:
        """Complete these and claim the next ones."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.complete(jobs)
        claimed = self.claim()
        self.connection.execute("COMMIT")
        return claimed


def _open(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


class Floor:
    packages = ("psycopg",)

    def __init__(self, *, joined: bool) -> None:
        self._joined = joined

    def load(self, url: str, jobs: int) -> str:
        if url.startswith("sqlite"):
            file = _open(url)
            file.executescript(SQLITE_TABLE)
            file.execute("BEGIN")
            file.executemany("INSERT INTO jobs (priority) VALUES (?)", [(0,)] * jobs)
            file.execute("COMMIT")
            durability = sqlite_durability(file)
            file.close()
            return durability
        with psycopg.connect(url) as connection:
            connection.execute(POSTGRESQL_TABLE)
            rows = "INSERT INTO jobs (priority) SELECT 0 FROM generate_series(1, %s)"
            connection.execute(rows, (jobs,))
            shown = connection.execute("SHOW synchronous_commit").fetchone()
            assert shown
            return f"sync_commit={shown[0]}"

    def drain(self, url: str, batch: int, tally: Tally) -> None:
        queue: PostgresQueue | SqliteQueue = (
            SqliteQueue(url, batch=batch)
            if url.startswith("sqlite")
            else PostgresQueue(url, batch=batch)
        )
        jobs = queue.claim()
        while jobs:
            tally.count(len(jobs))
            if self._joined:
                jobs = queue.swap(jobs)
            else:
                queue.complete(jobs)
                jobs = queue.claim()
        tally.complete()

    def work(self, url: str, latencies: Latencies) -> None:
        queue = PostgresQueue(url, batch=10)
        queue.connection.execute("LISTEN jobs")
        latencies.ready()
        while not latencies.finished.is_set():
            jobs = queue.claim()
            for _, stamp in jobs:
                latencies.began(stamp)
            if jobs:
                queue.complete(jobs)
            else:
                queue.rest()
        latencies.complete()

    def enqueue(self, url: str, stamps: Iterator[int]) -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            for stamp in stamps:
                with connection.transaction():
                    connection.execute("INSERT INTO jobs (stamp) VALUES (%s)", (stamp,))
                    connection.execute("NOTIFY jobs")


if __name__ == "__main__":
    serve(Floor(joined="joined" in sys.argv[2:]))
