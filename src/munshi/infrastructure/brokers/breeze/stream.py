"""One connection to Breeze's live prices: Socket.IO 5 over Engine.IO 4, on a WebSocket alone.

The packets are python-socketio's; the line under them is the one that Kite's stream has, so that
every ping is seen, and silence and an end mean the same for both brokers.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from engineio import packet as engine
from socketio import packet as events
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from munshi.domain.market.ticks import TickMode
from munshi.errors import (
    AppError,
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerStreamSilentError,
    BrokerUnavailableError,
)
from munshi.infrastructure.brokers.answer import one_line
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.envelope import BROKER
from munshi.infrastructure.brokers.breeze.ticks import read_stock
from munshi.infrastructure.brokers.frames import HEARTBEAT, TickFrame, Told
from munshi.infrastructure.brokers.handshake import OPEN_SECONDS, shake_hands
from munshi.infrastructure.brokers.line import Gate, Guard

# What another client keeps to; the server's own limit is not documented.
MAX_ROOMS = 2000
THROTTLE_SECONDS = 60.0
# Joined so many at a time, so that no message grows large.
_ROOMS_A_MESSAGE = 100
_PATH = "/socket.io/?EIO=4&transport=websocket"
# A refusal says in free text why; only these say that it was the login.
_OF_LOGIN = ("auth", "session", "token", "expired", "forbidden", "not allowed")


@dataclass(frozen=True, slots=True)
class BreezeRooms:
    """The room of each number that ticks shall carry."""

    by_number: Mapping[int, str]


class BreezeStream:
    """Prices of the rooms joined, message by message. `silence` is what the server promised."""

    def __init__(self, connection: ClientConnection, rooms: BreezeRooms, *, silence: float) -> None:
        self._connection = connection
        self._rooms = rooms.by_number
        self._numbers = {room: number for number, room in rooms.by_number.items()}
        self.silence: float | None = silence

    def subscribe(self, modes: Mapping[int, TickMode]) -> None:
        """Join the rooms; Breeze has one mode only. Raises as Kite's does."""
        if len(modes) > MAX_ROOMS:
            raise BrokerRequestError(
                f"Breeze streams {MAX_ROOMS} instruments on a connection, not {len(modes)}.",
                hint="Name fewer.",
            )
        rooms = [self._rooms[number] for number in modes]
        for at in range(0, len(rooms), _ROOMS_A_MESSAGE):
            self._emit("join", rooms[at : at + _ROOMS_A_MESSAGE])

    def next(self, *, patience: float) -> TickFrame | Told:
        """The next message: prices, an empty frame for a ping, or what it says in words.

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
        return self._read(message)

    def _read(self, message: str | bytes) -> TickFrame | Told:
        packet = _engine_packet(message)
        if packet is None:
            return TickFrame(refused=1)
        if packet.packet_type == engine.PING:
            _send(self._connection, engine.Packet(engine.PONG, packet.data))
            return HEARTBEAT
        if packet.packet_type == engine.CLOSE:
            raise _cut()
        if packet.packet_type != engine.MESSAGE:
            return HEARTBEAT
        event = _event_packet(packet)
        if event is None:
            return TickFrame(refused=1)
        if event.packet_type == events.DISCONNECT:
            raise _cut()
        if event.packet_type == events.CONNECT_ERROR:
            raise _refused_login(event.data)
        if event.packet_type != events.EVENT:
            return HEARTBEAT
        return self._read_event(event.data)

    def _read_event(self, data: object) -> TickFrame | Told:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            return TickFrame(refused=1)
        name, *payloads = data
        if name != "stock":
            return Told(one_line(name), one_line(json.dumps(payloads)))
        ticks = [read_stock(payload, numbers=self._numbers) for payload in payloads]
        found = tuple(tick for tick in ticks if tick is not None)
        return TickFrame(ticks=found, refused=len(ticks) - len(found))

    def _emit(self, event: str, payload: list[str]) -> None:
        packet = events.Packet(events.EVENT, data=[event, payload])
        _send(self._connection, engine.Packet(engine.MESSAGE, packet.encode()))


@contextmanager
def open_breeze_stream(
    access: BreezeAccess,
    *,
    endpoints: BreezeEndpoints,
    rooms: BreezeRooms,
    gate: Gate,
    guard: Guard,
) -> Iterator[BreezeStream]:
    """A connection for as long as it is used.

    Raises BrokerSessionExpiredError, BrokerThrottledError, BrokerRequestError,
    BrokerUnavailableError, and TransactionOpenError inside a transaction.
    """
    guard()
    with ExitStack() as open_lines:
        with gate("breeze.stream"):
            access.check()
            connection = shake_hands(
                open_lines,
                endpoints.stream + _PATH,
                broker=BROKER,
                throttle_seconds=THROTTLE_SECONDS,
            )
            silence = _sign_in(connection, access)
        yield BreezeStream(connection, rooms, silence=silence)


def _sign_in(connection: ClientConnection, access: BreezeAccess) -> float:
    """Say who comes; how many seconds the server may be silent at most."""
    opening = _first(connection, engine.OPEN)
    try:
        told = (opening["pingInterval"], opening["pingTimeout"])
        silence = sum(float(str(each)) for each in told) / 1000
    except (KeyError, TypeError, ValueError):
        silence = -1.0
    if not 0 < silence < 3600:  # noqa: PLR2004 - an hour says nothing
        raise _nonsense()
    hello = events.Packet(events.CONNECT, data=_credentials(access))
    _send(connection, engine.Packet(engine.MESSAGE, hello.encode()))
    answer = _event_packet(_answer(connection))
    if answer is None:
        raise _nonsense()
    if answer.packet_type == events.CONNECT_ERROR:
        raise _refused_login(answer.data)
    if answer.packet_type != events.CONNECT:
        raise _nonsense()
    return silence


def _credentials(access: BreezeAccess) -> dict[str, str]:
    """What REST sends as one word: base64 of `USERID:SESSIONKEY`."""
    try:
        decoded = base64.b64decode(access.session_token, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    user_id, colon, key = decoded.partition(":")
    if not colon:
        raise BrokerSessionExpiredError(
            "The stored Breeze login cannot be read.", hint="Log in again: munshi login breeze"
        )
    return {"user": user_id, "token": key}


def _first(connection: ClientConnection, wanted: int) -> Mapping[str, object]:
    packet = _answer(connection)
    if packet.packet_type != wanted or not isinstance(packet.data, dict):
        raise _nonsense()
    return packet.data


def _answer(connection: ClientConnection) -> engine.Packet:
    """The next packet, pings answered on the way."""
    while True:
        try:
            message = connection.recv(timeout=OPEN_SECONDS)
        except (TimeoutError, ConnectionClosed):
            raise BrokerUnavailableError(f"{BROKER}'s stream did not greet.") from None
        packet = _engine_packet(message)
        if packet is None:
            raise _nonsense()
        if packet.packet_type != engine.PING:
            return packet
        _send(connection, engine.Packet(engine.PONG, packet.data))


def _engine_packet(message: str | bytes) -> engine.Packet | None:
    """None for what is none; the library raises what the parser of the day does."""
    try:
        packet = engine.Packet(encoded_packet=message)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return None
    return packet if packet.packet_type <= engine.NOOP else None


def _event_packet(packet: engine.Packet) -> events.Packet | None:
    if packet.packet_type != engine.MESSAGE or not isinstance(packet.data, str):
        return None
    try:
        found = events.Packet(encoded_packet=packet.data)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return None
    # Attachments would follow in messages of their own; Breeze sends none.
    is_known = found.packet_type <= events.BINARY_ACK and not found.attachment_count
    return found if is_known else None


def _send(connection: ClientConnection, packet: engine.Packet) -> None:
    try:
        connection.send(packet.encode())
    except ConnectionClosed:
        raise _cut() from None


def _refused_login(data: object) -> AppError:
    """Socket.IO's refusal; its text is free, and only some say that the login is dead."""
    said = data.get("message") if isinstance(data, dict) else data
    words = one_line(str(said or ""))
    if any(word in words.lower() for word in _OF_LOGIN):
        return BrokerSessionExpiredError(
            f"{BROKER}'s stream refused the login: {words}",
            hint="Log in again: munshi login breeze",
        )
    return BrokerUnavailableError(f"{BROKER}'s stream refused to connect: {words}")


def _nonsense() -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{BROKER}'s stream greeted with what is no Socket.IO.")


def _cut() -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{BROKER} cut the stream.")
