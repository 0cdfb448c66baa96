"""A line of prices through every fault of the simulated ticker: none of its gaps goes untold."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import pytest

from broker_clients import OpenGate, no_transaction_open
from munshi.clock import SystemClock
from munshi.domain.market.gaps import GapReason, StreamGap
from munshi.domain.market.ticks import Tick, TickMode
from munshi.errors import BrokerRequestError, LoginNeededError, TransactionOpenError
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.stream import open_kite_stream
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from munshi.streams.line_keeper import LineKeeper, Patience
from simulators import Simulator

INDEX, SHARE = 256265, 408065
MODES = {INDEX: TickMode.FULL, SHARE: TickMode.FULL}
QUICK = Patience(silence=2.5, first_wait=0.05, longest_wait=0.4, steady=60.0, login_look=0.05)


class Listener:
    """What the keeper told, and the login it is given."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.ticks: list[Tick] = []
        self.begun: list[StreamGap] = []
        self.gaps: list[StreamGap] = []
        self.lasting: list[StreamGap] = []
        self.lives = 0
        self.unreadable = 0
        self.texts: list[tuple[str, str]] = []
        self.token: str | None = simulator.kite_access_token()
        self.stop = threading.Event()
        self.keeper = LineKeeper(
            SystemClock(),
            login=self.login,
            opener=partial(
                open_kite_stream,
                endpoints=KiteEndpoints.at(simulator.url),
                gate=OpenGate(),
                guard=no_transaction_open,
            ),
            modes=MODES,
            sink=self,
            stop=self.stop,
            patience=QUICK,
        )

    @contextmanager
    def login(self) -> Iterator[KiteAccess]:
        if self.token is None:
            raise LoginNeededError("nobody has logged in")
        yield KiteAccess(api_key=KITE_USER.app_key, access_token=self.token)

    def take(self, ticks: Sequence[Tick], *, received_at: datetime) -> None:
        assert received_at.tzinfo is not None
        self.ticks += ticks

    def alive(self) -> None:
        self.lives += 1

    def refused(self, count: int) -> None:
        self.unreadable += count

    def gap_lasts(self, gap: StreamGap) -> None:
        self.lasting.append(gap)

    def gap_began(self, gap: StreamGap) -> None:
        self.begun.append(gap)

    def gap_ended(self, gap: StreamGap) -> None:
        self.gaps.append(gap)

    def told(self, kind: str, said: str) -> None:
        self.texts.append((kind, said))

    def full_ticks(self) -> list[Tick]:
        """Between the subscription and its mode some may come as quotes."""
        return [tick for tick in self.ticks if tick.mode is TickMode.FULL]

    def wait_for(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not happened():
            assert time.monotonic() < deadline, (self.begun, self.gaps, self.keeper.lines)
            time.sleep(0.01)


@pytest.fixture
def listener(simulator: Simulator) -> Iterator[Listener]:
    listening = Listener(simulator)
    thread = threading.Thread(target=listening.keeper.run)
    thread.start()
    try:
        listening.wait_for(lambda: {t.token for t in listening.full_ticks()} == set(MODES))
        yield listening
    finally:
        listening.stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_prices_come_and_the_time_before_the_first_is_a_gap(listener: Listener) -> None:
    [first] = listener.gaps

    assert all(tick.exchange_at is not None for tick in listener.full_ticks())
    assert first.reasons == (GapReason.STARTING,)
    assert first.ended is not None
    assert first.ended >= first.began


@pytest.mark.parametrize(
    ("kind", "reason"), [(FaultKind.DROP, GapReason.DROPPED), (FaultKind.SILENT, GapReason.SILENT)]
)
def test_a_line_that_fails_is_opened_and_asked_for_again_and_its_gap_told(
    listener: Listener, simulator: Simulator, kind: FaultKind, reason: GapReason
) -> None:
    seen = len(listener.ticks)
    simulator.fault(kind, endpoint_class="ticker", count=1)
    listener.wait_for(lambda: len(listener.gaps) == 2)
    simulator.clock.advance(timedelta(minutes=1))

    listener.wait_for(lambda: {t.token for t in listener.ticks[seen:]} == set(MODES))

    gap = listener.gaps[1]
    assert gap.reasons == (reason,)
    assert gap.ended is not None
    assert listener.gaps[0].ended is not None
    assert listener.gaps[0].ended <= gap.began <= gap.ended
    assert [(g.began, g.reasons[0]) for g in listener.begun] == [
        (g.began, g.reasons[0]) for g in listener.gaps
    ]


def test_garbage_is_counted_and_opens_no_gap(listener: Listener, simulator: Simulator) -> None:
    simulator.fault(FaultKind.GARBAGE, endpoint_class="ticker", count=2)

    listener.wait_for(lambda: listener.keeper.refused == 6)

    assert (len(listener.gaps), listener.keeper.lines) == (1, 1)
    assert listener.unreadable == 6


def test_a_broker_that_drops_every_line_is_asked_ever_more_slowly(
    listener: Listener, simulator: Simulator
) -> None:
    simulator.fault(FaultKind.DROP, endpoint_class="ticker")
    simulator.fault(FaultKind.UNAVAILABLE, endpoint_class="ticker")
    time.sleep(1.5)
    simulator.mend()
    listener.wait_for(lambda: len(listener.gaps) >= 2)

    # 0.05 doubling to 0.4 s, each cut by half at most: in 1.5 s there is no room for more.
    handshakes = len(simulator.arrivals(endpoint_class="ticker"))
    assert 3 <= handshakes <= 13
    assert listener.gaps[1].reasons == (GapReason.DROPPED, GapReason.UNREACHABLE)


def test_a_login_that_dies_ends_the_line_until_the_next_login(
    listener: Listener, simulator: Simulator
) -> None:
    listener.token = None  # what the desk does once the broker has rejected a login
    simulator.end_logins()
    listener.wait_for(lambda: len(listener.begun) == 2)
    time.sleep(0.5)
    before = len(simulator.arrivals(endpoint_class="ticker"))
    time.sleep(0.5)
    assert len(simulator.arrivals(endpoint_class="ticker")) == before

    listener.token = simulator.kite_access_token()
    listener.wait_for(lambda: len(listener.gaps) == 2)

    assert GapReason.NO_LOGIN in listener.gaps[1].reasons


def test_text_messages_are_handed_on(listener: Listener, simulator: Simulator) -> None:
    simulator.http.post("/_simulator/ticker", json={"type": "error", "data": "two\nlines"})
    simulator.http.post("/_simulator/ticker", json={"no": "type"})

    listener.wait_for(lambda: len(listener.texts) == 2)

    assert listener.texts == [("error", "two lines"), ("unreadable", '{"no": "type"}')]


def test_a_stream_is_not_opened_inside_a_transaction_and_takes_no_3001_instruments(
    simulator: Simulator,
) -> None:
    access = KiteAccess(api_key=KITE_USER.app_key, access_token=simulator.kite_access_token())
    endpoints, gate = KiteEndpoints.at(simulator.url), OpenGate()

    def refuse() -> None:
        raise TransactionOpenError("a transaction is open")

    with (
        pytest.raises(TransactionOpenError),
        open_kite_stream(access, endpoints=endpoints, gate=gate, guard=refuse),
    ):
        pass
    assert gate.passed == []
    with (
        open_kite_stream(
            access, endpoints=endpoints, gate=gate, guard=no_transaction_open
        ) as stream,
        pytest.raises(BrokerRequestError),
    ):
        stream.subscribe(dict.fromkeys(range(3001), TickMode.LTP))
    assert gate.passed == ["kite.stream"]


def test_the_token_in_the_address_reaches_no_log(
    listener: Listener, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = listener.token
    simulator.fault(FaultKind.UNAVAILABLE, endpoint_class="ticker", count=2)
    simulator.fault(FaultKind.DROP, endpoint_class="ticker", count=1)

    listener.wait_for(lambda: len(listener.gaps) == 2)

    assert token is not None
    assert token not in caplog.text
