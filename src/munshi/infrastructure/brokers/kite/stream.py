"""One connection to Kite's ticker: opened with a permit, watched by its heartbeat."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from munshi.domain.market.ticks import TickMode
from munshi.errors import (
    AppError,
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerStreamSilentError,
    BrokerThrottledError,
    BrokerUnavailableError,
)
from munshi.infrastructure.brokers.answer import one_line
from munshi.infrastructure.brokers.frames import TickFrame, Told
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.envelope import BROKER, THROTTLE_SECONDS
from munshi.infrastructure.brokers.kite.ticks import read_frame
from munshi.infrastructure.brokers.line import Gate, Guard

# Kite Connect docs, "WebSocket streaming": so many instruments on one connection.
MAX_INSTRUMENTS = 3000
OPEN_SECONDS = 15.0
CLOSE_SECONDS = 1.0
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class KiteStream:
    """Prices of the instruments asked for, message by message."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.silence: float | None = None

    def subscribe(self, modes: Mapping[int, TickMode]) -> None:
        """Ask for instruments by token; the mode is always said, because none is documented.

        Raises BrokerRequestError for more than 3000, BrokerUnavailableError if the line is gone.
        """
        if len(modes) > MAX_INSTRUMENTS:
            raise BrokerRequestError(
                f"Kite streams {MAX_INSTRUMENTS} instruments on a connection, not {len(modes)}.",
                hint="Name fewer.",
            )
        self._say("subscribe", list(modes))
        for mode in TickMode:
            tokens = [token for token, wanted in modes.items() if wanted is mode]
            if tokens:
                self._say("mode", [mode.value, tokens])

    def next(self, *, patience: float) -> TickFrame | Told:
        """The next message: prices, an empty frame for a heartbeat, or what it says in words.

        Raises BrokerStreamSilentError after `patience` seconds, BrokerUnavailableError once cut.
        """
        try:
            message = self._connection.recv(timeout=patience)
        except TimeoutError:
            raise BrokerStreamSilentError(
                f"{BROKER}'s stream has been silent for {patience:g} seconds."
            ) from None
        except ConnectionClosed:
            raise _cut() from None
        return _text_of(message) if isinstance(message, str) else read_frame(message)

    def _say(self, action: str, value: object) -> None:
        try:
            self._connection.send(json.dumps({"a": action, "v": value}))
        except ConnectionClosed:
            raise _cut() from None


@contextmanager
def open_kite_stream(
    access: KiteAccess, *, endpoints: KiteEndpoints, gate: Gate, guard: Guard
) -> Iterator[KiteStream]:
    """A connection for as long as it is used. The address holds the token: no error names it.

    Raises BrokerSessionExpiredError, BrokerThrottledError, BrokerRequestError,
    BrokerUnavailableError, and TransactionOpenError inside a transaction.
    """
    guard()
    # At DEBUG the library writes the handshake down, token included.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    query = urlencode({"api_key": access.api_key, "access_token": access.access_token})
    with ExitStack() as open_lines:
        with gate("kite.stream"):
            access.check()
            connection = _shake_hands(open_lines, f"{endpoints.stream}?{query}")
        yield KiteStream(connection)


def _shake_hands(open_lines: ExitStack, address: str) -> ClientConnection:
    failure: AppError
    try:
        return open_lines.enter_context(
            connect(
                address,
                additional_headers={"X-Kite-Version": "3"},
                user_agent_header="munshi/0.1",
                compression=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=None,  # the broker's heartbeat says whether it lives
                max_size=MAX_MESSAGE_BYTES,
                proxy=True if address.startswith("wss:") else None,
            )
        )
    except InvalidStatus as refusal:
        failure = _refused(refusal.response.status_code)
    except (OSError, EOFError, InvalidHandshake, TimeoutError):
        failure = BrokerUnavailableError(f"{BROKER}'s stream could not be reached.")
    raise failure


def _text_of(message: str) -> Told:
    """The kind of a text message and what it says; never an error."""
    try:
        told = json.loads(message)
        kind, said = str(told["type"]), told.get("data", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Told("unreadable", one_line(message))
    return Told(kind, one_line(said if isinstance(said, str) else json.dumps(said)))


def _refused(status: int) -> AppError:
    """What a refused handshake asks for; its body is not documented."""
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}:
        return BrokerSessionExpiredError(
            f"{BROKER}'s stream refused the login (HTTP {status}).",
            hint="Log in again: munshi login kite",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return BrokerThrottledError(
            f"{BROKER} has too many streams or handshakes.", retry_after=THROTTLE_SECONDS
        )
    if status == HTTPStatus.BAD_REQUEST:
        return BrokerRequestError(f"{BROKER}'s stream refused the request (HTTP {status}).")
    return BrokerUnavailableError(f"{BROKER}'s stream is not available (HTTP {status}).")


def _cut() -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{BROKER} cut the stream.")
