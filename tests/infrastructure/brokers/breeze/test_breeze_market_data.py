"""Breeze's market data as our client reads it from the simulated broker."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from clocks import FakeClock
from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import BrokerLoginRefusedError, BrokerRequestError, BrokerSessionExpiredError
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.limits import max_sessions
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from simulators import Simulator

NIFTY = BreezeContract(stock_code="NIFTY", exchange_code="NSE")
THURSDAY = datetime(2026, 11, 19, 3, 45, tzinfo=UTC)
THURSDAY_CLOSE = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)


def test_a_day_of_minutes_opens_where_the_calendar_says(
    breeze_client: BreezeClient, breeze_access: BreezeAccess
) -> None:
    candles = breeze_client.historical(
        breeze_access,
        contract=NIFTY,
        interval=Interval.ONE_MINUTE,
        start=THURSDAY,
        end=THURSDAY_CLOSE,
    )

    expected = MarketCalendar.packaged().bar_opens(
        date(2026, 11, 19), Interval.ONE_MINUTE, Segment.CASH
    )
    assert [candle.opens for candle in candles] == [opens.astimezone(UTC) for opens in expected]


@pytest.mark.parametrize("interval", [Interval.ONE_MINUTE, Interval.FIVE_MINUTES])
def test_as_many_sessions_as_planned_come_back_whole(
    breeze_client: BreezeClient, breeze_access: BreezeAccess, interval: Interval
) -> None:
    calendar = MarketCalendar.packaged()
    days = calendar.trading_days(date(2026, 10, 1), date(2026, 11, 19))
    days = days[-max_sessions(interval, Segment.CASH) :]

    candles = breeze_client.historical(
        breeze_access,
        contract=NIFTY,
        interval=interval,
        start=datetime.combine(days[0], datetime.min.time(), tzinfo=IST),
        end=THURSDAY_CLOSE,
    )

    assert sorted({candle.opens.astimezone(IST).date() for candle in candles}) == days
    assert len(candles) == sum(len(calendar.bar_opens(day, interval, Segment.CASH)) for day in days)


def test_a_window_too_long_is_noticed_although_breeze_says_nothing(
    breeze_client: BreezeClient, breeze_access: BreezeAccess
) -> None:
    with pytest.raises(BrokerRequestError, match="Ask for a shorter range"):
        breeze_client.historical(
            breeze_access,
            contract=NIFTY,
            interval=Interval.ONE_MINUTE,
            start=THURSDAY - timedelta(days=7),
            end=THURSDAY_CLOSE,
        )


def test_expired_contracts_are_served(
    breeze_client: BreezeClient, breeze_access: BreezeAccess
) -> None:
    candles = breeze_client.historical(
        breeze_access,
        contract=BreezeContract(
            stock_code="NIFTY",
            exchange_code="NFO",
            product_type="options",
            expiry=date(2025, 2, 6),
            right="call",
            strike=Decimal(23500),
        ),
        interval=Interval.FIVE_MINUTES,
        start=datetime(2025, 2, 3, 3, 45, tzinfo=UTC),
        end=datetime(2025, 2, 3, 10, 0, tzinfo=UTC),
    )

    assert candles
    assert all(candle.oi is not None for candle in candles)


def test_a_contract_that_never_was_has_no_data_and_is_no_error(
    breeze_client: BreezeClient, breeze_access: BreezeAccess
) -> None:
    nowhere = replace(NIFTY, stock_code="NOSUCH")

    candles = breeze_client.historical(
        breeze_access,
        contract=nowhere,
        interval=Interval.ONE_DAY,
        start=THURSDAY,
        end=THURSDAY_CLOSE,
    )
    quote = breeze_client.quotes(breeze_access, contract=nowhere)

    assert (candles, quote) == ([], None)


def test_a_quote_has_prices_and_a_time(
    breeze_client: BreezeClient, breeze_access: BreezeAccess, simulated_clock: FakeClock
) -> None:
    share = BreezeContract(stock_code="RELIND", exchange_code="BSE")

    quote = breeze_client.quotes(breeze_access, contract=share)

    assert quote is not None
    assert quote.last_price > 0
    assert quote.traded_at is not None
    assert quote.traded_at <= simulated_clock.now()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"secret_key": "wrong"}, BrokerLoginRefusedError),
        ({"session_token": "U0lNOjE="}, BrokerSessionExpiredError),
    ],
    ids=["secret", "session"],
)
def test_a_wrong_signature_and_a_dead_session_call_for_different_reactions(
    breeze_client: BreezeClient,
    breeze_access: BreezeAccess,
    change: dict[str, Any],
    expected: type[Exception],
) -> None:
    with pytest.raises(expected):
        breeze_client.quotes(replace(breeze_access, **change), contract=NIFTY)


def test_an_expired_session_ends_a_collection_at_once(
    breeze_client: BreezeClient, breeze_access: BreezeAccess, simulator: Simulator
) -> None:
    simulator.fault(FaultKind.EXPIRED_TOKEN, service="breeze", endpoint_class="historical")

    with pytest.raises(BrokerSessionExpiredError):
        breeze_client.historical(
            breeze_access,
            contract=NIFTY,
            interval=Interval.ONE_DAY,
            start=THURSDAY,
            end=THURSDAY_CLOSE,
        )

    assert len(simulator.arrivals(endpoint_class="historical")) == 1


def test_the_security_master_names_shares_and_contracts(breeze_client: BreezeClient) -> None:
    master = breeze_client.security_master()

    shares = {scrip.exchange_symbol: scrip.stock_code for scrip in master.scrips("NSE")}
    kinds = {scrip.kind for scrip in master.scrips("NFO")}
    assert shares["RELIANCE"] == "RELIND"
    assert kinds == {InstrumentKind.FUTURE, InstrumentKind.CALL, InstrumentKind.PUT}
