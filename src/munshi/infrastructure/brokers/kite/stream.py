"""One connection to Kite's ticker: opened with a permit, watched by its heartbeat."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from munshi.domain.market.ticks import TickMode
from munshi.errors import (
    BrokerRequestError,
    BrokerStreamSilentError,
    BrokerUnavailableError,
)
from munshi.infrastructure.brokers.answer import one_line
from munshi.infrastructure.brokers.frames import TickFrame, Told
from munshi.infrastructure.brokers.handshake import shake_hands
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.envelope import BROKER, THROTTLE_SECONDS
from munshi.infrastructure.brokers.kite.ticks import read_frame
from munshi.infrastructure.brokers.line import Gate, Guard

# Kite Connect docs, "WebSocket streaming": so many instruments on one connection.
MAX_INSTRUMENTS = 3000


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
    query = urlencode({"api_key": access.api_key, "access_token": access.access_token})
    with ExitStack() as open_lines:
        with gate("kite.stream"):
            access.check()
            connection = shake_hands(
                open_lines,
                f"{endpoints.stream}?{query}",
                broker=BROKER,
                throttle_seconds=THROTTLE_SECONDS,
                headers={"X-Kite-Version": "3"},
            )
        yield KiteStream(connection)


def _text_of(message: str) -> Told:
    """The kind of a text message and what it says; never an error."""
    try:
        told = json.loads(message)
        kind, said = str(told["type"]), told.get("data", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Told("unreadable", one_line(message))
    return Told(kind, one_line(said if isinstance(said, str) else json.dumps(said)))


def _cut() -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{BROKER} cut the stream.")
