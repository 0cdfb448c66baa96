"""The simulated ticker: who may listen, what is sent when, and every fault of a stream."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from munshi.infrastructure.brokers.simulator.faults import FaultKind
from simulators import Simulator

INDEX, SHARE = 256265, 408065


@contextmanager
def listening(simulator: Simulator, token: str | None = None) -> Iterator[ClientConnection]:
    token = simulator.kite_access_token() if token is None else token
    address = simulator.url.replace("http", "ws", 1)
    with connect(
        f"{address}?api_key=simkitekey&access_token={token}", compression=None, proxy=None
    ) as line:
        yield line


def ask(line: ClientConnection, action: str, value: object) -> None:
    line.send(json.dumps({"a": action, "v": value}))


def lengths(frame: str | bytes) -> list[int]:
    """The length of each packet of a message."""
    assert isinstance(frame, bytes)
    found, at = [], 2
    while at < len(frame):
        found.append(int.from_bytes(frame[at : at + 2]))
        at += 2 + found[-1]
    assert len(found) == int.from_bytes(frame[:2])
    return found


def next_prices(line: ClientConnection) -> bytes:
    while True:
        frame = line.recv(timeout=10)
        if isinstance(frame, bytes) and len(frame) > 1:
            return frame


def listen_until_it_ends(line: ClientConnection, *, patience: float = 5) -> None:
    while True:
        line.recv(timeout=patience)


def told_in_text(line: ClientConnection) -> object:
    return json.loads(
        next(m for m in (line.recv(timeout=5) for _ in range(9)) if isinstance(m, str))
    )


def test_an_idle_line_hears_a_heartbeat_of_one_byte_every_second(simulator: Simulator) -> None:
    with listening(simulator) as line:
        assert [line.recv(timeout=5) for _ in range(2)] == [b"\x00", b"\x00"]


@pytest.mark.parametrize(
    ("mode", "sizes"), [("ltp", [8, 8]), ("quote", [28, 44]), ("full", [32, 184])]
)
def test_each_mode_has_its_packets(simulator: Simulator, mode: str, sizes: list[int]) -> None:
    with listening(simulator) as line:
        ask(line, "mode", [mode, [INDEX, SHARE]])

        assert lengths(next_prices(line)) == sizes


def test_a_bare_subscription_is_a_quote_and_only_changes_follow(simulator: Simulator) -> None:
    with listening(simulator) as line:
        ask(line, "subscribe", [SHARE])
        assert lengths(next_prices(line)) == [44]
        assert line.recv(timeout=5) == b"\x00"

        simulator.clock.advance(timedelta(minutes=1))
        assert lengths(next_prices(line)) == [44]

        ask(line, "unsubscribe", [SHARE])
        time.sleep(0.3)
        simulator.clock.advance(timedelta(minutes=1))
        assert line.recv(timeout=5) == b"\x00"


@pytest.mark.parametrize(
    "message", ["{", "[]", '{"a":"buy","v":[1]}', '{"a":"mode","v":["x",[1]]}']
)
def test_a_message_that_cannot_be_done_is_answered_and_ends_nothing(
    simulator: Simulator, message: str
) -> None:
    with listening(simulator) as line:
        line.send(message)

        assert told_in_text(line) == {"type": "error", "data": "Invalid message"}
        ask(line, "mode", ["ltp", [SHARE]])
        assert lengths(next_prices(line)) == [8]


def test_the_3001st_instrument_is_left_out_and_the_line_stays(simulator: Simulator) -> None:
    with listening(simulator) as line:
        ask(line, "mode", ["ltp", list(range(1, 3003))])

        assert "2 were left out" in str(told_in_text(line))


def test_a_wrong_token_is_refused_at_the_door(simulator: Simulator) -> None:
    with pytest.raises(InvalidStatus) as refused, listening(simulator, "no-such-token"):
        pass

    assert refused.value.response.status_code == 403
    assert [a.status for a in simulator.arrivals(endpoint_class="ticker")] == [403]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.EXPIRED_TOKEN, 403),
        (FaultKind.UNAVAILABLE, 503),
        (FaultKind.THROTTLE, 429),
        (FaultKind.HTML, 503),
    ],
)
def test_a_fault_of_the_door_refuses_the_handshake_once(
    simulator: Simulator, kind: FaultKind, status: int
) -> None:
    simulator.fault(kind, service="kite", endpoint_class="ticker", count=1)

    with pytest.raises(InvalidStatus) as refused, listening(simulator):
        pass
    with listening(simulator) as line:
        assert line.recv(timeout=5) == b"\x00"

    assert refused.value.response.status_code == status


def test_a_fourth_line_is_one_too_many(simulator: Simulator) -> None:
    token = simulator.kite_access_token()
    with listening(simulator, token), listening(simulator, token), listening(simulator, token):
        with pytest.raises(InvalidStatus) as refused, listening(simulator, token):
            pass
        assert refused.value.response.status_code == 429


def test_a_drop_cuts_the_line_without_a_word(simulator: Simulator) -> None:
    with listening(simulator) as line:
        line.recv(timeout=5)
        simulator.fault(FaultKind.DROP, endpoint_class="ticker", count=1)

        with pytest.raises(ConnectionClosed) as cut:
            listen_until_it_ends(line)
    assert cut.value.rcvd is None


def test_a_silent_line_stays_open_and_sends_nothing(simulator: Simulator) -> None:
    with listening(simulator) as line:
        simulator.fault(FaultKind.SILENT, endpoint_class="ticker", count=1)
        with pytest.raises(TimeoutError):
            listen_until_it_ends(line, patience=2)


def test_garbage_comes_between_good_messages(simulator: Simulator) -> None:
    with listening(simulator) as line:
        simulator.fault(FaultKind.GARBAGE, endpoint_class="ticker", count=1)

        assert next_prices(line) == b"\x00\x03\x00\x08\xff"
        ask(line, "mode", ["full", [SHARE]])
        assert lengths(next_prices(line)) == [184]


def test_a_token_that_dies_ends_the_open_line(simulator: Simulator) -> None:
    with listening(simulator) as line:
        line.recv(timeout=5)
        simulator.end_logins()

        with pytest.raises(ConnectionClosed):
            listen_until_it_ends(line)


def test_an_order_postback_reaches_every_line(simulator: Simulator) -> None:
    token = simulator.kite_access_token()
    with listening(simulator, token) as one, listening(simulator, token) as other:
        told = {"type": "order", "data": {"order_id": "7"}}
        simulator.http.post("/_simulator/ticker", json=told)

        for line in (one, other):
            assert told_in_text(line) == told
