"""Last quotes where no stream is on: one call through the quota, else an old one."""

from datetime import timedelta

import pytest

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.market.quotes import QuoteWay
from munshi.errors import (
    BrokerUnavailableError,
    InstrumentUnknownError,
    LoginNeededError,
    RequestInvalidError,
)
from munshi.infrastructure.brokers.simulator.faults import FaultKind

NAMES = ["NIFTY", "NSE:NIFTY BANK", "nse:nifty 50"]


def calls(desk: Desk) -> int:
    return len(desk.simulator.arrivals(endpoint_class="quote")) + len(
        desk.simulator.arrivals(endpoint_class="quotes")
    )


def test_kite_is_asked_once_for_all_and_not_again_for_some_seconds(desk: Desk) -> None:
    desk.log_in(Service.KITE)

    first = desk.services.quotes.quotes(NAMES)
    again = desk.services.quotes.quotes(NAMES)
    after_two = calls(desk)
    desk.clock.advance(timedelta(seconds=4))
    desk.services.quotes.quotes(NAMES)

    assert [each.quote.instrument for each in first] == ["NSE:NIFTY 50", "NSE:NIFTY BANK"]
    assert {(each.quote.way, each.quote.is_provisional) for each in first} == {
        (QuoteWay.CALL, False)
    }
    assert first == again
    assert (after_two, calls(desk)) == (1, 2)
    [quote] = [each for each in desk.services.limits.list_limits() if each.name == "kite.quote"]
    assert quote.used == 1


def test_breeze_answers_where_only_breeze_is_logged_in(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    desk.services.instruments.refresh(Service.BREEZE, actor=TESTER)

    [share] = desk.services.quotes.quotes(["NSE:RELIANCE"])

    assert (share.quote.broker, share.is_current) == (Service.BREEZE, True)
    assert share.quote.last_price > 0
    assert share.quote.best_bid is not None


def test_without_a_login_the_old_quote_comes_with_its_age_and_the_reason(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.services.quotes.quotes(["NIFTY"])
    desk.services.kite.disconnect(actor=TESTER)
    desk.clock.advance(timedelta(minutes=10))

    [old] = desk.services.quotes.quotes(["NIFTY"])

    assert (old.is_current, old.age) == (False, timedelta(minutes=10))
    assert old.problem == "Nobody is logged in at kite."
    with pytest.raises(LoginNeededError):
        desk.services.quotes.quotes(["NIFTY", "BANKNIFTY"])


@pytest.mark.parametrize("kind", [FaultKind.UNAVAILABLE, FaultKind.HTML])
def test_a_broker_that_fails_leaves_the_old_quote(desk: Desk, kind: FaultKind) -> None:
    desk.log_in(Service.KITE)
    desk.services.quotes.quotes(["NIFTY"])
    desk.clock.advance(timedelta(minutes=1))
    desk.simulator.fault(kind, endpoint_class="quote")

    [old] = desk.services.quotes.quotes(["NIFTY"])

    assert not old.is_current
    assert old.problem
    with pytest.raises(BrokerUnavailableError):
        desk.services.quotes.quotes(["BANKNIFTY"])


def test_a_rejected_login_is_ended_by_a_quote_too(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.services.quotes.quotes(["NIFTY"])
    desk.clock.advance(timedelta(minutes=1))
    desk.simulator.end_logins()

    [old] = desk.services.quotes.quotes(["NIFTY"])
    made = calls(desk)
    desk.services.quotes.quotes(["NIFTY"])

    assert not old.is_current
    assert not desk.services.has_login(Service.KITE)
    assert calls(desk) == made


def test_what_is_not_to_be_asked_for_is_refused(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    with pytest.raises(InstrumentUnknownError):
        desk.services.quotes.quotes(["NSE:NOSUCH"])
    with pytest.raises(RequestInvalidError):
        desk.services.quotes.quotes([])
    assert calls(desk) == 0
