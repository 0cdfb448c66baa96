"""Breeze's stream frame by frame: what it says and what it must not be able to do."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from broker_clients import OpenGate, no_transaction_open
from munshi.domain.market.ticks import TickMode
from munshi.errors import (
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerStreamSilentError,
    BrokerUnavailableError,
    LoginNeededError,
    TransactionOpenError,
)
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.stream import (
    BreezeRooms,
    BreezeStream,
    open_breeze_stream,
)
from munshi.infrastructure.brokers.frames import TickFrame, Told

OPENS = '0{"sid":"x","upgrades":[],"pingInterval":1000,"pingTimeout":2000}'
ROOMS = BreezeRooms({1: "4.1!2885", 2: "4.1!NIFTY 50"})
TOKEN = base64.b64encode(b"AB123456:99887766").decode()
SHARE = [
    "4.1!2885", 1, 2, 3, 1, 0, 2, 1, 3, 1, 1, 2, 10, 1, 1, "1C", "", 1, 3, 1732174200, 1,
]  # fmt: skip


class Broker:
    """Greets, then says what a test has it say; keeps what it was told."""

    def __init__(self, greeting: list[str | bytes]) -> None:
        self.greeting = greeting
        self.frames: list[str | bytes] = []
        self.heard: list[str | bytes] = []
        self.ended = threading.Event()
        self.server: Server = serve(self._speak, "127.0.0.1", 0)
        self.port = self.server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def _speak(self, line: ServerConnection) -> None:
        try:
            line.send(self.greeting[0])
            self.heard.append(line.recv(timeout=5))
            for frame in self.greeting[1:]:
                line.send(frame)
            self.heard.append(line.recv(timeout=5))
            for frame in self.frames:
                line.send(frame)
            while not self.ended.is_set():
                try:
                    self.heard.append(line.recv(timeout=0.05))
                except TimeoutError:
                    continue
        except (ConnectionClosed, TimeoutError):
            return

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self._thread.join(5)


@pytest.fixture
def meet() -> Iterator[Callable[..., Broker]]:
    met: list[Broker] = []

    def make(*greeting: str | bytes) -> Broker:
        met.append(Broker(list(greeting) or [OPENS, '40{"sid":"y"}']))
        return met[-1]

    yield make
    for broker in met:
        broker.close()


@contextmanager
def opened(broker: Broker, *, token: str = TOKEN) -> Iterator[BreezeStream]:
    access = BreezeAccess(app_key="k", secret_key="s", session_token=token)
    with open_breeze_stream(
        access,
        endpoints=BreezeEndpoints.at(f"http://127.0.0.1:{broker.port}"),
        rooms=ROOMS,
        gate=OpenGate(),
        guard=no_transaction_open,
    ) as stream:
        stream.subscribe(dict.fromkeys(ROOMS.by_number, TickMode.FULL))
        yield stream


def test_it_says_who_comes_joins_its_rooms_and_answers_pings(
    meet: Callable[..., Broker],
) -> None:
    broker = meet()
    broker.frames = ["2", f"42{json.dumps(['stock', SHARE])}", "2probe"]

    with opened(broker) as stream:
        frames = [stream.next(patience=5) for _ in range(3)]
        silence = stream.silence
        with pytest.raises(BrokerStreamSilentError):
            stream.next(patience=0.3)

    assert silence == 3.0
    assert [len(frame.ticks) for frame in frames if isinstance(frame, TickFrame)] == [0, 1, 0]
    assert broker.heard == [
        '40{"user":"AB123456","token":"99887766"}',
        '42["join",["4.1!2885","4.1!NIFTY 50"]]',
        "3",
        "3probe",
    ]


@pytest.mark.parametrize(
    "frame",
    [
        "", "9", "x", '42["stock",["4.1!2885"', "42", '42{"a":1}', "42[]", "42[7]",
        '451-["stock",{"_placeholder":true,"num":0}]', '42["stock",null]', "4", "49",
        f'42{json.dumps(["stock", SHARE[:-1]])}', "42" + "[" * 5000, b"\x00\x01\x02", b"",
    ],
)  # fmt: skip
def test_garbage_is_counted_and_the_next_message_is_read(
    meet: Callable[..., Broker], frame: str | bytes
) -> None:
    broker = meet()
    broker.frames = [frame, f"42{json.dumps(['stock', SHARE])}"]

    with opened(broker) as stream:
        garbage, good = stream.next(patience=5), stream.next(patience=5)

    assert isinstance(garbage, TickFrame)
    assert (garbage.refused, garbage.ticks) == (1, ())
    assert isinstance(good, TickFrame)
    assert len(good.ticks) == 1


def test_other_events_are_told_in_words_on_one_line(meet: Callable[..., Broker]) -> None:
    broker = meet()
    broker.frames = ['42["notice",{"text":"two\\nlines"}]']

    with opened(broker) as stream:
        told = stream.next(patience=5)

    assert isinstance(told, Told)
    assert told.kind == "notice"
    assert "\n" not in told.said


@pytest.mark.parametrize("frame", ["1", "41"])
def test_an_end_is_an_end(meet: Callable[..., Broker], frame: str) -> None:
    broker = meet()
    broker.frames = [frame]

    with opened(broker) as stream, pytest.raises(BrokerUnavailableError):
        stream.next(patience=5)


def test_a_refusal_in_mid_stream_ends_the_login(meet: Callable[..., Broker]) -> None:
    broker = meet()
    broker.frames = ['44{"message":"session expired"}']

    with opened(broker) as stream, pytest.raises(BrokerSessionExpiredError):
        stream.next(patience=5)


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        ([OPENS, '44{"message":"Unauthorized"}'], BrokerSessionExpiredError),
        ([OPENS, '44"invalid token"'], BrokerSessionExpiredError),
        ([OPENS, '44{"message":"server is full"}'], BrokerUnavailableError),
        ([OPENS, "1"], BrokerUnavailableError),
        ([OPENS, "garbage"], BrokerUnavailableError),
        (["0{}"], BrokerUnavailableError),
        (['0{"pingInterval":"x","pingTimeout":1}'], BrokerUnavailableError),
        (['0{"pingInterval":1e12,"pingTimeout":1}'], BrokerUnavailableError),
        ([b"\x80\x81"], BrokerUnavailableError),
        (["42[]"], BrokerUnavailableError),
    ],
)
def test_what_is_no_welcome_opens_nothing(
    meet: Callable[..., Broker], greeting: list[str | bytes], error: type[Exception]
) -> None:
    broker = meet(*greeting)

    with pytest.raises(error) as refusal, opened(broker):
        pass

    assert type(refusal.value) is error
    assert "99887766" not in str(refusal.value)


def test_a_login_that_cannot_be_read_is_none(meet: Callable[..., Broker]) -> None:
    with pytest.raises(BrokerSessionExpiredError), opened(meet(), token="no base64!"):
        pass


def test_nothing_is_opened_in_a_transaction_for_a_dead_login_or_2001_rooms(
    meet: Callable[..., Broker],
) -> None:
    broker = meet()

    def refuse() -> None:
        raise TransactionOpenError("a transaction is open")

    def ended() -> None:
        raise LoginNeededError("it was ended meanwhile")

    at = BreezeEndpoints.at(f"http://127.0.0.1:{broker.port}")
    gate = OpenGate()
    access = BreezeAccess(app_key="k", secret_key="s", session_token=TOKEN)
    dead = BreezeAccess(app_key="k", secret_key="s", session_token=TOKEN, check=ended)
    with (
        pytest.raises(TransactionOpenError),
        open_breeze_stream(access, endpoints=at, rooms=ROOMS, gate=gate, guard=refuse),
    ):
        pass
    with (
        pytest.raises(LoginNeededError),
        open_breeze_stream(dead, endpoints=at, rooms=ROOMS, gate=gate, guard=no_transaction_open),
    ):
        pass
    assert broker.heard == []
    with opened(broker) as stream, pytest.raises(BrokerRequestError):
        stream.subscribe(dict.fromkeys(range(2001), TickMode.FULL))
