"""Where contenders run: one PostgreSQL server or a SQLite file, and what CPU the server used."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil
import psycopg
from psycopg.sql import SQL, Identifier

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from postgres_cluster import SERVER_OPTIONS, Cluster, find_programs, running_cluster

# The tests' server, but with everything on that keeps what was committed.
DURABLE = {
    **SERVER_OPTIONS,
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
}
SHOWN = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


class Ground(Protocol):
    """One kind of database. Templates are filled once and copied for each measurement."""

    name: str
    settings: str

    def template(self, name: str) -> str:
        """An empty database to be filled; returns its URL."""
        ...

    def settle(self, name: str) -> None:
        """The template is filled: everything is on disk, and the planner knows the tables."""
        ...

    def copy(self, name: str) -> str:
        """A copy of the template in place of the copy before it; returns its URL."""
        ...

    def server_cpu(self) -> float:
        """CPU seconds of the database's processes so far, ended ones included."""
        ...


class SqliteGround:
    """Files in one folder. There is no server: all work is the client's."""

    name = "SQLite"
    settings = f"SQLite {sqlite3.sqlite_version}; each contender sets its own connections"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def template(self, name: str) -> str:
        return self._url(self._new(name))

    def settle(self, name: str) -> None:
        """Every contender has closed its file, which folds the write-ahead log into it."""

    def copy(self, name: str) -> str:
        used = self._new("used")
        for path in (self._folder / name).iterdir():
            shutil.copy(path, used / path.name)
        return self._url(used)

    def server_cpu(self) -> float:
        return 0.0

    def _new(self, name: str) -> Path:
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _url(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'jobs.db'}"


class PostgresGround:
    """A server of our own on loopback."""

    name = "PostgreSQL"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._server = psutil.Process(cluster.pid)
        self._admin = psycopg.connect(self._root("postgres"), autocommit=True)
        shown = [f"{name}={self._ask(name)}" for name in SHOWN]
        self.settings = f"PostgreSQL {self._ask('server_version')}: {', '.join(shown)}"

    def template(self, name: str) -> str:
        return self._make(name, template="template0")

    def settle(self, name: str) -> None:
        with psycopg.connect(self._root(name), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def copy(self, name: str) -> str:
        url = self._make("used", template=name)
        self._admin.execute("CHECKPOINT")
        return url

    def server_cpu(self) -> float:
        living = sum(_cpu_seconds(p) for p in (self._server, *self._server.children()))
        ended = self._server.cpu_times()
        return living + float(ended.children_user + ended.children_system)

    def close(self) -> None:
        self._admin.close()

    def _make(self, name: str, *, template: str) -> str:
        self._admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        self._admin.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} OWNER munshi").format(
                Identifier(name), Identifier(template)
            )
        )
        return self._cluster.url(name)

    def _root(self, database: str) -> str:
        return self._cluster.url(database, user="postgres")

    def _ask(self, setting: str) -> str:
        row = self._admin.execute("SELECT current_setting(%s)", (setting,)).fetchone()
        assert row
        return str(row[0])


def _cpu_seconds(process: psutil.Process) -> float:
    """To the nanosecond where Linux tells it (`psutil` counts in ticks of 10 ms)."""
    try:
        # A server process has one thread.
        told = Path(f"/proc/{process.pid}/schedstat").read_text(encoding="ascii")
        return int(told.split()[0]) / 1e9
    except OSError:
        pass
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0  # it has ended since it was listed, and its parent counts it
    return float(times.user + times.system)


@contextmanager
def grounds(folder: Path, names: frozenset[str]) -> Iterator[list[Ground]]:
    """The databases asked for, PostgreSQL first."""
    sqlite: list[Ground] = [SqliteGround(folder)] if "SQLite" in names else []
    if "PostgreSQL" not in names:
        yield sqlite
        return
    with running_cluster(find_programs(), options=DURABLE) as cluster:
        server = PostgresGround(cluster)
        try:
            yield [server, *sqlite]
        finally:
            server.close()
