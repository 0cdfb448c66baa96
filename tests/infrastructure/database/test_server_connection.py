"""A server that falls silent is given up after a while, and asked anew."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url, text

from chaos.half_open_proxy import HalfOpenProxy
from databases import open_database
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database import server_connection
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_connection import (
    SOCKET_OPTIONS,
    ServerConnection,
    patience,
)

SLEEP = text("SELECT pg_sleep(:seconds)")


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[HalfOpenProxy]:
    port = make_url(postgresql_url).port
    assert port is not None
    with HalfOpenProxy(port) as opened:
        yield opened


@pytest.fixture
def proxied(postgresql_url: str, proxy: HalfOpenProxy) -> Iterator[Database]:
    url = make_url(postgresql_url).set(port=proxy.port)
    opened = open_database(url.render_as_string(hide_password=False))
    yield opened
    opened.close()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def ask(database: Database) -> int:
    with database.reading() as tx:
        return tx.config.get_revision()


@pytest.mark.parametrize("asking", [True, False])
def test_an_answer_that_never_comes_is_not_waited_for(
    proxied: Database, proxy: HalfOpenProxy, *, asking: bool
) -> None:
    def wait() -> None:
        with patience(0.5), proxied.transaction() as tx:
            proxy.silence(asking=asking, answering=True)
            tx.config.get_revision()

    with at_most(10), pytest.raises(DatabaseUnreachableError, match=r"not answered for 0\.5 sec"):
        wait()
    proxy.heal()

    assert ask(proxied) == 0


def test_a_pooled_connection_that_has_died_in_silence_is_replaced_unnoticed(
    proxied: Database, proxy: HalfOpenProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_connection, "PING_SECONDS", 0.5)
    ask(proxied)
    proxy.silence()
    proxy.heal()

    with at_most(10):
        revision = ask(proxied)

    assert revision == 0


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for(
    proxied: Database, proxy: HalfOpenProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOCKET_OPTIONS, "connect_timeout", 2)
    proxy.silence()

    with at_most(10), pytest.raises(DatabaseUnreachableError, match="timeout"):
        ask(proxied)


def test_a_slow_statement_is_called_off_at_the_server(postgresql_database: Database) -> None:
    def wait() -> None:
        with patience(0.5), postgresql_database.transaction() as tx:
            tx.connection.execute(SLEEP, {"seconds": 60})

    with at_most(10), pytest.raises(DatabaseUnreachableError, match="not answered"):
        wait()

    with postgresql_database.reading() as tx:
        running = tx.connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid() "
                "AND datname = current_database()"
            )
        )
    assert running == 0


def test_what_is_known_to_take_long_may(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServerConnection, "answer_seconds", 0.2)

    with patience(None), postgresql_database.transaction() as tx:
        tx.connection.execute(SLEEP, {"seconds": 0.7})
        waited = True

    assert waited


def test_what_the_address_says_of_timeouts_wins(postgresql_url: str) -> None:
    url = make_url(postgresql_url).update_query_dict({"keepalives_idle": "77"})
    database = Database(url.set(drivername="postgresql+psycopg"))

    connection = database.driver_connection(answer_seconds=3)
    said = connection.info.get_parameters()
    connection.close()
    database.close()

    assert isinstance(connection, ServerConnection)
    assert connection.answer_seconds == 3
    assert said["keepalives_idle"] == "77"
    assert said["tcp_user_timeout"] == "30000"


def test_those_who_keep_jobs_alive_need_no_place_in_the_pool(postgresql_url: str) -> None:
    crowded = Database(make_url(postgresql_url).set(drivername="postgresql+psycopg"), pool_size=1)
    held = [crowded.engine.connect() for _ in range(2)]

    with crowded.observing() as tx:
        revision = tx.config.get_revision()

    for connection in held:
        connection.close()
    crowded.close()
    assert revision == 0
