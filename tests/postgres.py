"""PostgreSQL for tests: one server a run, started when first asked for, one database a worker."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import LiteralString, Protocol

import psutil
import psycopg
import pytest
from filelock import FileLock
from psycopg.sql import SQL, Identifier

from postgres_cluster import Cluster, ClusterUnavailableError, wait_until_gone

KEEPER = Path(__file__).with_name("postgres_cluster.py")
OWN_FOLDER = pytest.StashKey[Path]()
# A keeper outlives the worker that starts it; held here so that it is not reported as forgotten.
_keepers: list[subprocess.Popen[str]] = []


class WorkerNode(Protocol):
    """What xdist, which is untyped, says of a worker it is about to start."""

    config: pytest.Config
    workerinput: dict[str, str | int]


class PostgresServer:
    """The run's server, as one worker sees it. Names are this worker's own."""

    def __init__(self, cluster: Cluster, *, folder: Path, worker: str) -> None:
        self.cluster = cluster
        self._folder = folder
        self._worker = worker

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """A new database, a copy of `template`; returns its URL."""
        own = f"{name}_{self._worker}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", own, template)
        return self.cluster.url(own)

    def drop_database(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", f"{name}_{self._worker}")

    def make_template(self, name: str, fill: Callable[[str], None]) -> str:
        """Have `fill(url)` build a template once a run, whichever worker comes first.

        `fill` must close its connections. Returns the name, for `template=`.
        """
        done = self._folder / f"template-{name}"
        with FileLock(done.with_suffix(".lock")):
            if not done.exists():
                self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
                self._execute("CREATE DATABASE {} TEMPLATE template0", name)
                fill(self.cluster.url(name))
                self._execute("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", name)
                done.touch()
        return name

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(SQL(statement).format(*map(Identifier, names)))


def pytest_configure(config: pytest.Config) -> None:
    """The run's first process makes the folder in which its workers find the one server."""
    if workerinput := getattr(config, "workerinput", None):
        config.stash[OWN_FOLDER] = Path(workerinput["postgres_folder"])
    else:
        config.stash[OWN_FOLDER] = Path(tempfile.mkdtemp(prefix="munshi-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    node.workerinput["postgres_folder"] = str(node.config.stash[OWN_FOLDER])
    node.workerinput["postgres_owner"] = os.getpid()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = config.stash[OWN_FOLDER]
        _stop_keeper(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _stop_keeper(folder: Path) -> None:
    found = folder / "keeper.pid"
    if found.exists():
        try:
            keeper = psutil.Process(int(found.read_text()))
            keeper.terminate()
            wait_until_gone(keeper, seconds=30)
        except psutil.NoSuchProcess:
            pass


def _join_cluster(folder: Path, *, owner: int) -> Cluster:
    """The run's server, started if nobody has yet. Raises ClusterUnavailableError."""
    found = folder / "cluster.json"
    with FileLock(folder / "cluster.lock"):
        if not found.exists():
            keeper = subprocess.Popen(
                [sys.executable, KEEPER, str(owner), folder],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            _keepers.append(keeper)
            assert keeper.stdout is not None
            (folder / "keeper.pid").write_text(str(keeper.pid))
            answer = keeper.stdout.readline()
            found.write_text(
                answer or json.dumps({"error": "PostgreSQL's keeper died at its start"})
            )
        said = json.loads(found.read_text())
    if "error" in said:
        raise ClusterUnavailableError(said["error"])
    return Cluster(**said["cluster"])


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    workerinput = getattr(pytestconfig, "workerinput", {})
    folder = pytestconfig.stash[OWN_FOLDER]
    try:
        cluster = _join_cluster(folder, owner=workerinput.get("postgres_owner", os.getpid()))
    except ClusterUnavailableError as error:
        pytest.fail(str(error), pytrace=False)
    return PostgresServer(cluster, folder=folder, worker=workerinput.get("workerid", "gw0"))


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """This worker's own empty database."""
    return postgres_server.create_database("worker")


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[Callable[..., str]]:
    """`postgres_database("name", template="…")` makes one that goes with the test."""
    made: list[str] = []

    def make(name: str, *, template: str = "template0") -> str:
        made.append(name)
        return postgres_server.create_database(name, template=template)

    yield make
    for name in made:
        postgres_server.drop_database(name)
