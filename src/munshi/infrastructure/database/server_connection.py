"""Connections to PostgreSQL that give up a server which has fallen silent.

A peer that is gone is found out by TCP: keepalives while nothing is asked, the user timeout while
something is under way. One that still acknowledges what it gets but answers nothing (a proxy, a
stopped server) is not; there only our own patience helps.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

ANSWER_SECONDS = 30.0
PING_SECONDS = 5.0
CANCEL_SECONDS = 2.0
LEAST_ANSWER_SECONDS = 5.0
# What a process that is gone, or stopped, leaves locked at the server. Those who wait for such a
# lock may be gone too, and each would hold it in turn, so they do not wait for ever either.
SESSION_LIMITS_MS = {"idle_in_transaction_session_timeout": 15_000, "lock_timeout": 15_000}
# How often psycopg looks up for Ctrl-C.
_INTERVAL = 0.1
# What the address says wins over these. Where the system has no such option, libpq passes it over.
SOCKET_OPTIONS = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_patience: ContextVar[float | None] = ContextVar("munshi_patience", default=ANSWER_SECONDS)
RV = TypeVar("RV")


@contextmanager
def patience(seconds: float | None) -> Iterator[None]:
    """Let the server take so long for each answer, None for as long as it likes.

    Counts for connections that this thread takes from now on.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def patience_within(lease: timedelta) -> float:
    """How long whoever holds jobs under `lease` may wait for an answer: seconds."""
    return max(LEAST_ANSWER_SECONDS, lease.total_seconds() / 3)


class ServerConnection(psycopg.Connection[Any]):
    """Raises OperationalError, and is closed, when an answer takes longer than `answer_seconds`.

    The statement is called off, as far as the server can be told; it may have been carried out.
    """

    answer_seconds: float | None = ANSWER_SECONDS

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:
        if timeout is not None:  # whoever says so deals with it
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
        self._give_up()
        raise psycopg.OperationalError(
            f"the server has not answered for {self.answer_seconds:g} seconds"
        )

    def _give_up(self) -> None:
        # Else a server that is only slow would finish, and hold its locks until then.
        with suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()


def prepare_postgresql(engine: Engine, *, read_only: bool = False) -> None:
    def open_connection(
        _: object, __: object, places: list[Any], options: dict[str, Any]
    ) -> ServerConnection:
        return ServerConnection.connect(*places, **{**SOCKET_OPTIONS, **options})

    def connect(connection: ServerConnection, _: ConnectionPoolEntry) -> None:
        for limit, milliseconds in SESSION_LIMITS_MS.items():
            connection.execute(f"SET {limit} = {milliseconds}")
        if read_only:
            connection.execute("SET default_transaction_read_only = on")
        connection.commit()

    def checkout(connection: ServerConnection, _: ConnectionPoolEntry, __: object) -> None:
        connection.answer_seconds = _patience.get()

    def checkin(connection: ServerConnection | None, _: ConnectionPoolEntry) -> None:
        # The next thing asked of it is whether it still lives.
        if connection is not None:
            connection.answer_seconds = PING_SECONDS

    event.listen(engine, "do_connect", open_connection)
    event.listen(engine, "connect", connect)
    event.listen(engine, "checkout", checkout)
    event.listen(engine, "checkin", checkin)
