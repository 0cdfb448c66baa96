"""Books as both brokers stream them, from the wire to what a backtest reads."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentKind, InstrumentRef
from munshi.domain.market.kept_quotes import minute_of
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.streams.line_keeper import Patience
from munshi.streams.price_stream import PriceStream, check_wanted, open_price_stream

QUICK = Patience(silence=2.5, first_wait=0.05, longest_wait=0.4, steady=60.0, login_look=0.05)
INDEX = InstrumentRef("NSE", "NIFTY 50")
SHARE = InstrumentRef("NSE", "RELIANCE")


def until(stream: PriceStream, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        stream.tick()
        assert time.monotonic() < deadline, stream.state()
        time.sleep(0.02)


def go_on(desk: Desk, stream: PriceStream, steps: int) -> None:
    """Twenty seconds a step; each is heard of."""
    for _ in range(steps):
        wanted = stream.state().ticks + stream.state().instruments
        desk.clock.advance(timedelta(seconds=20))
        until(stream, lambda wanted=wanted: stream.state().ticks >= wanted)  # type: ignore[misc]
    stream.tick()


@pytest.fixture(params=list(Service))
def broker(request: pytest.FixtureRequest, desk: Desk) -> Service:
    found: Service = request.param
    desk.log_in(found)
    desk.services.instruments.refresh(found, actor=TESTER)
    return found


def an_option(desk: Desk) -> InstrumentRef:
    """The first contract that the broker lists."""
    found = desk.services.instruments.list(kind=InstrumentKind.CALL, limit=1)
    return found.instruments[0].ref


def test_a_book_a_minute_is_kept_of_what_has_one(desk: Desk, broker: Service) -> None:
    began, option = desk.clock.now(), an_option(desk)
    names = [str(each) for each in (INDEX, SHARE, option)]
    wanted = check_wanted(desk.services.streams, broker, names)
    with open_price_stream(
        desk.services.streams, wanted, wait_for_login=True, patience=QUICK
    ) as stream:
        until(stream, lambda: len(stream.quotes()) == len(names))
        go_on(desk, stream, 9)
        desk.simulator.fault(FaultKind.DROP, service=broker.value, endpoint_class="ticker", count=1)
        until(stream, lambda: stream.state().lines == 2)
        go_on(desk, stream, 3)
        state = stream.state()

    kept = {ref: desk.services.kept_quotes.list(ref) for ref in (INDEX, SHARE, option)}
    assert kept[INDEX] == []
    for ref in (SHARE, option):
        minutes = [minute_of(each.at) for each in kept[ref]]
        assert minutes == [minute_of(began) + timedelta(minutes=count) for count in range(5)]
        assert {each.key.source for each in kept[ref]} == {broker.value}
        assert all(each.bid < each.offer and each.bid_quantity for each in kept[ref])
        assert all(each.at > began for each in kept[ref])
    assert state.quotes == len(kept[SHARE]) + len(kept[option])
    track = desk.services.kept_quotes.over(first=began, last=desk.clock.now()).track(str(option))
    assert list(track.bids) == [each.bid // 100 for each in kept[option]]
    assert list(track.offer_quantities) == [each.offer_quantity for each in kept[option]]
