"""PostgreSQL restarted, its backends ended and its connections dead in silence, while jobs run."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from chaos.campaign import IS_LONG, Campaign, Telling
from chaos.half_open_proxy import HalfOpenProxy
from chaos.worker_pool import WorkerPool
from databases import migrate_template
from postgres_cluster import (
    SERVER_OPTIONS,
    RestartableServer,
    find_programs,
    restartable_cluster,
)

# What was committed must survive a crash of the server, though not of the machine.
DURABLE = {**SERVER_OPTIONS, "synchronous_commit": "on", "full_page_writes": "on"}
DOWN_SECONDS = 0.5
ENDS_BACKENDS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5"
)


@pytest.fixture
def own_server() -> Iterator[tuple[str, RestartableServer]]:
    """A server of the test's own, with a migrated database."""
    with restartable_cluster(find_programs(), options=DURABLE) as (cluster, server):
        name = f"chaos_{uuid4().hex[:12]}"
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name))
            )
        url = cluster.url(name)
        migrate_template(url)
        yield url, server


@pytest.mark.timeout(400)
def test_postgresql_restarted_in_a_loop(
    own_server: tuple[str, RestartableServer], tmp_path: Path, telling: Telling
) -> None:
    url, server = own_server
    pool = WorkerPool(url, tmp_path)

    with Campaign(url, pool, tmp_path, telling=telling) as campaign:
        for _ in campaign.trouble(every=(1.0, 4.0) if IS_LONG else (0.5, 1.0)):
            server.stop(immediately=campaign.happened % 2 == 1)
            time.sleep(DOWN_SECONDS)
            server.start()
        verdict = campaign.verdict()

    assert campaign.happened >= 2
    assert verdict.wrong == ()
    assert verdict.states["succeeded"] > 100


@pytest.mark.timeout(400)
def test_backends_terminated_in_a_loop(
    postgresql_url: str, tmp_path: Path, telling: Telling
) -> None:
    pool = WorkerPool(postgresql_url, tmp_path)

    with Campaign(postgresql_url, pool, tmp_path, telling=telling) as campaign:
        for _ in campaign.trouble(every=(0.1, 0.4)):
            with psycopg.connect(postgresql_url, autocommit=True) as connection:
                connection.execute(ENDS_BACKENDS)
        verdict = campaign.verdict()

    assert verdict.wrong == ()
    assert verdict.states["succeeded"] > 100


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("asking", "answering"),
    [(False, True), (True, True), (True, False)][: 3 if IS_LONG else 1],
    ids=["answers lost", "both ways", "questions lost"][: 3 if IS_LONG else 1],
)
def test_connections_that_die_in_silence(
    postgresql_url: str, tmp_path: Path, telling: Telling, *, asking: bool, answering: bool
) -> None:
    port = make_url(postgresql_url).port
    assert port is not None

    with HalfOpenProxy(port) as proxy:
        proxied = make_url(postgresql_url).set(port=proxy.port)
        pool = WorkerPool(proxied.render_as_string(hide_password=False), tmp_path)
        with Campaign(postgresql_url, pool, tmp_path, telling=telling) as campaign:
            with campaign.once():
                proxy.silence(asking=asking, answering=answering)
                time.sleep(1.0)
                proxy.heal()
            verdict = campaign.verdict()

    assert proxy.silenced > 0
    assert verdict.wrong == ()
    assert verdict.states["succeeded"] > 100
