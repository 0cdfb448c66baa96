"""Kite's market data as our client reads it from the simulated broker."""

from datetime import UTC, datetime, timedelta

import pytest

from clocks import FakeClock
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.instruments import InstrumentKind, InstrumentRef, well_known_index
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import BrokerRequestError, BrokerSessionExpiredError, BrokerThrottledError
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from simulators import Simulator

NIFTY = 256265
MONDAY = datetime(2026, 11, 15, 18, 30, tzinfo=UTC)
FRIDAY_NIGHT = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def test_the_dump_holds_indices_shares_and_contracts_by_token(
    kite_client: KiteClient, kite_access: KiteAccess
) -> None:
    listed = list(kite_client.instruments(kite_access))

    kinds = {instrument.kind for instrument in listed}
    nifty = next(instrument for instrument in listed if instrument.kite_token == NIFTY)
    assert kinds == set(InstrumentKind)
    assert nifty.ref == InstrumentRef.parse("NIFTY")
    assert nifty.name == "NIFTY"
    assert all(i.expiry for i in listed if i.kind.is_derivative)
    assert all(i.strike for i in listed if i.kind.is_option)


def test_one_exchange_can_be_asked_for(kite_client: KiteClient, kite_access: KiteAccess) -> None:
    listed = list(kite_client.instruments(kite_access, exchange="NFO"))

    assert {instrument.segment for instrument in listed} == {Segment.FNO}


def test_the_download_is_over_before_the_first_row_is_read(
    kite_client: KiteClient, kite_access: KiteAccess, simulator: Simulator
) -> None:
    rows = kite_client.instruments(kite_access)
    simulator.end_logins()

    assert next(iter(rows)).kite_token


def test_history_has_a_bar_for_every_one_the_calendar_expects(
    kite_client: KiteClient, kite_access: KiteAccess, simulated_clock: FakeClock
) -> None:
    candles = kite_client.historical(
        kite_access,
        token=NIFTY,
        interval=Interval.FIVE_MINUTES,
        start=MONDAY,
        end=simulated_clock.now(),
    )

    calendar = MarketCalendar.packaged()
    days = calendar.trading_days(MONDAY.date() + timedelta(days=1), FRIDAY_NIGHT.date())
    expected = [
        opens.astimezone(UTC)
        for day in days
        for opens in calendar.bar_opens(day, Interval.FIVE_MINUTES, Segment.CASH)
        if opens <= simulated_clock.now()
    ]
    assert [candle.opens for candle in candles] == expected
    assert all(candle.is_sane for candle in candles)


def test_open_interest_comes_when_asked_for(
    kite_client: KiteClient, kite_access: KiteAccess, simulated_clock: FakeClock
) -> None:
    future = next(
        instrument
        for instrument in kite_client.instruments(kite_access, exchange="NFO")
        if instrument.kind is InstrumentKind.FUTURE
    )
    token = future.kite_token
    assert token is not None

    with_oi, without = (
        kite_client.historical(
            kite_access,
            token=token,
            interval=Interval.ONE_DAY,
            start=MONDAY,
            end=simulated_clock.now(),
            oi=oi,
        )
        for oi in (True, False)
    )

    assert all(candle.oi is not None for candle in with_oi)
    assert all(candle.oi is None for candle in without)


def test_an_unknown_token_is_a_request_to_fix(
    kite_client: KiteClient, kite_access: KiteAccess
) -> None:
    with pytest.raises(BrokerRequestError, match="Kite said: invalid token"):
        kite_client.historical(
            kite_access, token=1, interval=Interval.ONE_DAY, start=MONDAY, end=FRIDAY_NIGHT
        )


def test_quotes_leave_out_what_kite_does_not_know(
    kite_client: KiteClient, kite_access: KiteAccess
) -> None:
    quotes = kite_client.quotes(kite_access, instruments=["NSE:NIFTY 50", "NSE:NOSUCH"])

    assert set(quotes) == {"NSE:NIFTY 50"}
    assert quotes["NSE:NIFTY 50"].last_price > 0


def test_the_well_known_tokens_are_kites_own(
    kite_client: KiteClient, kite_access: KiteAccess
) -> None:
    for instrument in kite_client.instruments(kite_access):
        known = well_known_index(instrument.ref)

        assert known is None or known.kite_token == instrument.kite_token


def test_an_expired_login_ends_a_collection_at_once(
    kite_client: KiteClient, kite_access: KiteAccess, simulator: Simulator
) -> None:
    simulator.fault(FaultKind.EXPIRED_TOKEN, service="kite", endpoint_class="historical")

    with pytest.raises(BrokerSessionExpiredError):
        kite_client.historical(
            kite_access, token=NIFTY, interval=Interval.ONE_DAY, start=MONDAY, end=FRIDAY_NIGHT
        )

    assert len(simulator.arrivals(endpoint_class="historical")) == 1


@pytest.mark.parametrize("asked", ["historical", "quote"])
def test_paced_by_the_documented_limits_history_and_quotes_are_never_refused(
    kite_client: KiteClient, kite_access: KiteAccess, simulator: Simulator, asked: str
) -> None:
    simulator.documented_limits()

    for _ in range(10):
        ask(kite_client, kite_access, asked)

    assert {arrival.status for arrival in simulator.arrivals(endpoint_class=asked)} == {200}


def test_a_storm_on_history_does_not_hold_up_quotes(
    kite_client: KiteClient,
    kite_access: KiteAccess,
    simulator: Simulator,
    simulated_clock: FakeClock,
) -> None:
    simulator.fault(FaultKind.THROTTLE, service="kite", endpoint_class="historical")
    with pytest.raises(BrokerThrottledError):
        ask(kite_client, kite_access, "historical")
    before = simulated_clock.monotonic()

    ask(kite_client, kite_access, "quote")

    assert simulated_clock.monotonic() == before


def ask(client: KiteClient, access: KiteAccess, endpoint_class: str) -> None:
    if endpoint_class == "quote":
        client.ltp(access, instruments=["NSE:NIFTY 50"])
    else:
        client.historical(
            access, token=NIFTY, interval=Interval.ONE_DAY, start=MONDAY, end=FRIDAY_NIGHT
        )
