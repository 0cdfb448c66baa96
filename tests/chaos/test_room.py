"""No room left: on the disk under SQLite, and in the pool of connections."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, make_url
from sqlalchemy.pool import Pool

from chaos.verdict import Verdict, judge, settle
from chaos.work import EFFECTS, REGISTRY, Ground
from databases import open_database
from jobs.desk import ASHA
from jobs.waiting import until
from munshi.clock import SystemClock
from munshi.domain.jobs import JobState
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database import engine
from munshi.infrastructure.database.engine import Database
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker
from processes import environment, run_munshi

JOBS = 200
TMPFS_BYTES = 8 * 1024 * 1024


def make_worker(database: Database, ground: Database, folder: Path) -> Worker:
    return Worker(
        database,
        SystemClock(),
        registry=REGISTRY,
        services=Ground(ground, folder / "lines-here"),
        lease_seconds=1.0,
        poll_seconds=0.05,
    )


def ask(database: Database, kind: str, *, count: int = 1, seconds: float = 0.0) -> list[UUID]:
    service = JobService(database, SystemClock(), registry=REGISTRY)
    with database.transaction() as tx:
        jobs = [
            service.enqueue_in(tx, kind, {"seconds": seconds}, actor=ASHA) for _ in range(count)
        ]
    return [job.job_id for job in jobs]


@contextmanager
def at_most_pages(pages: int) -> Iterator[None]:
    """What connections made within may let the file grow to."""

    def limit(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    event.listen(Pool, "connect", limit)
    try:
        yield
    finally:
        event.remove(Pool, "connect", limit)


def is_whole(url: str) -> bool:
    with closing(sqlite3.connect(str(make_url(url).database))) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def page_count(url: str) -> int:
    with closing(sqlite3.connect(str(make_url(url).database))) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])


def run_when_there_is_room(url: str, folder: Path, asked: list[UUID]) -> Verdict:
    database = open_database(url)
    settle(database)
    found = judge(database, folder, asked=asked)
    database.close()
    return found


def test_jobs_are_recorded_when_a_full_file_may_grow_again(sqlite_url: str, tmp_path: Path) -> None:
    free = open_database(sqlite_url)
    with free.transaction() as tx:
        tx.connection.execute(EFFECTS)
    asked = ask(free, "brief", count=JOBS) + ask(free, "effect", count=JOBS)
    full = open_database(sqlite_url)
    worker = make_worker(full, full, tmp_path)

    with at_most_pages(page_count(sqlite_url) + 10):
        worker.start()
        until(lambda: worker.is_in_trouble)
        was_whole = is_whole(sqlite_url)
        with pytest.raises(DatabaseUnreachableError, match="has no room left") as failure:
            _fill(full)
    full.engine.dispose()
    verdict = run_when_there_is_room(sqlite_url, tmp_path, asked)
    worker.stop()
    full.close()
    free.close()

    assert was_whole
    assert "Free space" in str(failure.value)
    assert verdict.wrong == ()
    assert set(verdict.states) == {"succeeded"}


def _fill(database: Database) -> None:
    for _ in range(1000):
        ask(database, "brief", count=10)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of a few megabytes, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    size = f"size={TMPFS_BYTES}"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this user may not mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_is_named_and_nothing_is_lost(small_disk: Path, tmp_path: Path) -> None:
    env = environment(small_disk)
    run_munshi("db", "upgrade", env=env, cwd=tmp_path)
    url = f"sqlite:///{small_disk}/munshi.db"
    database = open_database(url)
    with database.transaction() as tx:
        tx.connection.execute(EFFECTS)
    asked = ask(database, "brief", count=JOBS)
    worker = make_worker(database, database, tmp_path)
    filler = small_disk / "filler"
    _fill_disk(filler)

    worker.start()
    until(lambda: worker.is_in_trouble)
    said = run_munshi("config", "set", "jobs", "queue.more", "{}", env=env, cwd=tmp_path)
    was_whole = is_whole(url)
    filler.unlink()
    settle(database)
    worker.stop()
    verdict = judge(database, tmp_path, asked=asked)
    database.close()

    assert said.returncode == 1
    assert "has no room left" in said.stderr
    assert "Free space" in said.stderr
    assert was_whole
    assert verdict.wrong == ()
    assert verdict.states == {"succeeded": JOBS}


def _fill_disk(filler: Path) -> None:
    block = b"x" * 4096
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(block)
        except OSError:
            return


def test_a_file_that_another_program_keeps_locked_costs_no_job(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 100)
    database = open_database(sqlite_url)
    with database.transaction() as tx:
        tx.connection.execute(EFFECTS)
    asked = ask(database, "brief", count=20) + ask(database, "effect", count=20)
    worker = make_worker(database, database, tmp_path)
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        worker.start()
        until(lambda: worker.is_in_trouble)
        other.execute("ROLLBACK")
    settle(database)
    worker.stop()
    verdict = judge(database, tmp_path, asked=asked)
    database.close()

    assert verdict.wrong == ()
    assert verdict.states == {"succeeded": 40}


def test_a_full_pool_costs_no_running_job_its_lease(postgresql_url: str, tmp_path: Path) -> None:
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg")
    crowded, free = Database(url, pool_size=1), open_database(postgresql_url)
    with free.transaction() as tx:
        tx.connection.execute(EFFECTS)
    asked = ask(free, "effect", count=3, seconds=3.0)
    worker = make_worker(crowded, free, tmp_path)
    worker.start()
    service = JobService(free, SystemClock(), registry=REGISTRY)
    until(lambda: {service.get(job_id).state for job_id in asked} == {JobState.RUNNING})

    held = [crowded.engine.connect() for _ in range(2)]
    asked += ask(free, "brief", count=20)
    settle(free)
    for connection in held:
        connection.close()
    worker.stop()
    verdict = judge(free, tmp_path, asked=asked)
    crowded.close()
    free.close()

    assert verdict.wrong == ()
    assert verdict.outcomes == {"succeeded": len(asked)}
