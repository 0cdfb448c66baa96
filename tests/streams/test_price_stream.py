"""A whole stream on a desk: quotes, provisional bars, and what a dead login leaves of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.provisional_bars import KeptBar
from munshi.domain.market.quotes import QuoteWay
from munshi.errors import BrokerRequestError, InstrumentNotServedError, InstrumentUnknownError
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.streams.line_keeper import Patience
from munshi.streams.price_stream import PriceStream, check_wanted, open_price_stream

NAMES = ["NSE:NIFTY 50", "NSE:NIFTY BANK"]
NIFTY = InstrumentRef("NSE", "NIFTY 50")
QUICK = Patience(silence=2.5, first_wait=0.05, longest_wait=0.4, steady=60.0, login_look=0.05)


@contextmanager
def streaming(
    desk: Desk, *, broker: Service = Service.KITE, wait_for_login: bool = True
) -> Iterator[PriceStream]:
    wanted = check_wanted(desk.services.streams, broker, NAMES)
    with open_price_stream(
        desk.services.streams, wanted, wait_for_login=wait_for_login, patience=QUICK
    ) as stream:
        yield stream


def wait_for(stream: PriceStream, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        stream.tick()
        assert time.monotonic() < deadline, stream.state()
        time.sleep(0.02)


def watch_minutes(desk: Desk, stream: PriceStream, minutes: int) -> None:
    """Let the exchange go on, a third of a minute at a time, and hear of each step."""
    for _ in range(3 * minutes):
        wanted = stream.state().ticks + len(NAMES)
        desk.clock.advance(timedelta(seconds=20))
        wait_for(stream, partial(_has_ticks, stream, wanted))
    stream.tick()


def _has_ticks(stream: PriceStream, wanted: int) -> bool:
    return stream.state().ticks >= wanted


def bars(desk: Desk) -> list[KeptBar]:
    return desk.services.provisional.list(NIFTY)


@pytest.fixture(params=list(Service))
def broker(request: pytest.FixtureRequest, desk: Desk) -> Service:
    found: Service = request.param
    desk.log_in(found)
    return found


def test_prices_become_quotes_and_provisional_bars(desk: Desk, broker: Service) -> None:
    with streaming(desk, broker=broker) as stream:
        wait_for(stream, lambda: len(stream.quotes()) == 2)
        watch_minutes(desk, stream, 3)
        seen = desk.services.quotes.quotes(NAMES)
        [(state, is_on)] = desk.services.quotes.streams()

    assert [(each.quote.way, each.is_current) for each in seen] == [(QuoteWay.STREAM, True)] * 2
    assert {each.quote.instrument for each in seen} == set(NAMES)
    assert (state.broker, state.instruments, is_on) == (broker, 2, True)
    assert {bar.key.source for bar in bars(desk)} == {broker.value}
    assert [bar.is_whole for bar in bars(desk)[1:-1]] == [True] * (len(bars(desk)) - 2)
    assert len(bars(desk)) >= 3
    assert desk.services.candles.coverage() == []


def test_no_call_is_made_for_what_is_streamed(desk: Desk, broker: Service) -> None:
    with streaming(desk, broker=broker) as stream:
        wait_for(stream, lambda: len(stream.quotes()) == 2)
        stream.tick()

        desk.services.quotes.quotes(NAMES, broker=broker)

    words = ("quote", "quotes")
    assert [a for word in words for a in desk.simulator.arrivals(endpoint_class=word)] == []


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.SILENT])
def test_a_line_that_fails_comes_back_and_its_minute_is_not_whole(
    desk: Desk, broker: Service, kind: FaultKind
) -> None:
    with streaming(desk, broker=broker) as stream:
        wait_for(stream, lambda: len(stream.quotes()) == 2)
        watch_minutes(desk, stream, 2)
        desk.simulator.fault(kind, service=broker.value, endpoint_class="ticker", count=1)
        wait_for(stream, lambda: stream.state().lines == 2)
        watch_minutes(desk, stream, 2)
        state = stream.state()

    assert (state.gaps, state.gap_reasons) == (2, ())
    assert {bar.is_whole for bar in bars(desk)[1:-1]} == {True, False}


def test_garbage_is_counted_and_the_stream_goes_on(desk: Desk, broker: Service) -> None:
    with streaming(desk, broker=broker) as stream:
        wait_for(stream, lambda: len(stream.quotes()) == 2)
        desk.simulator.fault(
            FaultKind.GARBAGE, service=broker.value, endpoint_class="ticker", count=2
        )
        wait_for(stream, lambda: stream.state().unreadable > 0)
        watch_minutes(desk, stream, 1)

        assert stream.state().lines == 1


def test_a_login_that_dies_is_ended_for_all_and_the_next_one_heals_the_stream(
    desk: Desk, broker: Service
) -> None:
    with streaming(desk, broker=broker) as stream:
        wait_for(stream, lambda: len(stream.quotes()) == 2)
        desk.simulator.end_logins()
        wait_for(stream, lambda: "no_login" in stream.state().gap_reasons)
        before = len(desk.simulator.arrivals(service=broker.value))
        until = time.monotonic() + 1
        wait_for(stream, lambda: time.monotonic() > until)
        asked_again = len(desk.simulator.arrivals(service=broker.value)) - before
        had_login = desk.services.has_login(broker)

        desk.log_in(broker)
        wait_for(stream, lambda: stream.state().lines == 2)

    assert (asked_again, had_login) == (0, False)
    assert [a.kind for a in desk.services.logins.desk_status().alerts] == []


def test_what_cannot_be_streamed_is_refused_before_anything_is_opened(desk: Desk) -> None:
    ground = desk.services.streams
    with pytest.raises(InstrumentUnknownError):
        check_wanted(ground, Service.KITE, ["NSE:NOSUCH"])
    many = [f"NSE:X{number}" for number in range(3001)]
    desk.log_in_everywhere()
    desk.services.instruments.refresh(Service.BREEZE, actor=TESTER)
    with pytest.raises(InstrumentNotServedError):
        check_wanted(ground, Service.KITE, ["NSE:RELIANCE"])
    with pytest.raises((InstrumentUnknownError, BrokerRequestError)):
        check_wanted(ground, Service.KITE, many)


def test_breeze_streams_a_share_that_only_its_own_list_names(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    desk.services.instruments.refresh(Service.BREEZE, actor=TESTER)
    wanted = check_wanted(desk.services.streams, Service.BREEZE, ["NSE:RELIANCE", "NIFTY"])

    assert wanted.rooms is not None
    assert list(wanted.rooms.by_number.values()) == ["4.1!2885", "4.1!NIFTY 50"]
