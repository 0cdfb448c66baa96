"""Breeze's client against the simulated broker: logging in, and its faults."""

from datetime import timedelta

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open
from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.errors import (
    AppError,
    BrokerLoginRefusedError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
)
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from simulators import Simulator


def test_an_api_session_becomes_a_login(breeze_client: BreezeClient, simulator: Simulator) -> None:
    api_session = simulator.breeze_api_session()

    granted = breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)

    assert granted.service is Service.BREEZE
    assert (granted.user_id, granted.user_name) == (BREEZE_USER.user_id, BREEZE_USER.user_name)
    assert granted.access_token == api_session
    assert granted.session_token
    assert api_session not in repr(granted)
    assert granted.session_token not in repr(granted)


def test_an_api_session_may_be_shown_again(
    breeze_client: BreezeClient, simulator: Simulator
) -> None:
    api_session = simulator.breeze_api_session()

    first = breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)
    second = breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)

    assert first.session_token == second.session_token


def test_an_unknown_api_session_is_a_refused_login(breeze_client: BreezeClient) -> None:
    with pytest.raises(BrokerLoginRefusedError) as refusal:
        breeze_client.customer_details("11111111", app_key=BREEZE_USER.app_key)

    assert "11111111" not in str(refusal.value)


def test_an_unknown_app_key_is_a_refused_login(
    breeze_client: BreezeClient, simulator: Simulator
) -> None:
    with pytest.raises(BrokerLoginRefusedError):
        breeze_client.customer_details(simulator.breeze_api_session(), app_key="nosuchkey")


def test_a_session_dies_at_midnight(
    breeze_client: BreezeClient, simulator: Simulator, simulated_clock: FakeClock
) -> None:
    api_session = simulator.breeze_api_session()
    simulated_clock.advance(timedelta(hours=13, minutes=29, seconds=29))
    breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)
    simulated_clock.advance(timedelta(seconds=2))

    with pytest.raises(BrokerSessionExpiredError, match="munshi login breeze"):
        breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.BAD_GATEWAY, BrokerUnavailableError),
        (FaultKind.UNAVAILABLE, BrokerUnavailableError),
        (FaultKind.HTML, BrokerUnavailableError),
        (FaultKind.RESET, BrokerUnavailableError),
        (FaultKind.EXPIRED_TOKEN, BrokerSessionExpiredError),
        (FaultKind.THROTTLE, BrokerThrottledError),
        (FaultKind.THROTTLE_TEXT, BrokerThrottledError),
        (FaultKind.DAILY_LIMIT, BrokerThrottledError),
    ],
)
def test_each_fault_calls_for_its_reaction(
    breeze_client: BreezeClient,
    simulator: Simulator,
    kind: FaultKind,
    expected: type[AppError],
) -> None:
    simulator.fault(kind, service="breeze")

    with pytest.raises(AppError) as failure:
        breeze_client.customer_details("12345678", app_key=BREEZE_USER.app_key)

    assert type(failure.value) is expected
    assert "12345678" not in str(failure.value)


def test_a_broker_that_hangs_is_given_up(
    impatient_http: httpx.Client, simulator: Simulator, simulated_clock: FakeClock
) -> None:
    client = BreezeClient(
        http=impatient_http,
        endpoints=BreezeEndpoints.at(simulator.url),
        clock=simulated_clock,
        gate=OpenGate(),
        guard=no_transaction_open,
    )
    simulator.fault(FaultKind.HANG, service="breeze", count=1, seconds=1.0)

    with pytest.raises(BrokerUnavailableError, match="did not answer in time"):
        client.customer_details("12345678", app_key=BREEZE_USER.app_key)


def test_the_minute_limit_is_waited_out_although_it_comes_as_401(
    breeze_client: BreezeClient, simulator: Simulator, simulated_clock: FakeClock
) -> None:
    api_session = simulator.breeze_api_session()
    simulator.fault(FaultKind.THROTTLE, service="breeze", count=1)
    before = simulated_clock.monotonic()

    granted = breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)

    assert granted.user_id == BREEZE_USER.user_id
    assert 60.0 <= simulated_clock.monotonic() - before < 62.0


def test_the_daily_limit_is_reported_and_keeps_everybody_away_until_midnight(
    breeze_client: BreezeClient, simulator: Simulator, simulated_clock: FakeClock
) -> None:
    simulator.fault(FaultKind.DAILY_LIMIT, service="breeze", count=1)
    before = simulated_clock.monotonic()
    with pytest.raises(BrokerThrottledError) as refusal:
        breeze_client.customer_details("12345678", app_key=BREEZE_USER.app_key)

    with pytest.raises(BrokerThrottledError):
        breeze_client.customer_details("12345678", app_key=BREEZE_USER.app_key)

    assert refusal.value.retry_after == 13.5 * 3600 - 30
    assert simulated_clock.monotonic() == before
    assert len(simulator.arrivals(service="breeze")) == 1


def test_paced_by_the_documented_limits_the_broker_never_refuses(
    breeze_client: BreezeClient, simulator: Simulator
) -> None:
    simulator.documented_limits()
    api_session = simulator.breeze_api_session()

    for _ in range(103):
        breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)

    assert {arrival.status for arrival in simulator.arrivals(service="breeze")} == {200}
