"""Kite's client against the simulated broker: logging in, reading, logging out, faults."""

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
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.results import GrantedLogin
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from simulators import Simulator


def exchange(
    client: KiteClient, request_token: str, *, secret: str = KITE_USER.app_secret
) -> GrantedLogin:
    return client.exchange_request_token(
        request_token, api_key=KITE_USER.app_key, api_secret=secret
    )


def ask_often(client: KiteClient, access: KiteAccess, *, times: int) -> None:
    for _ in range(times):
        client.profile(access)


def test_a_request_token_becomes_a_login(kite_client: KiteClient, simulator: Simulator) -> None:
    granted = exchange(kite_client, simulator.kite_request_token())

    profile = kite_client.profile(
        KiteAccess(api_key=KITE_USER.app_key, access_token=granted.access_token)
    )
    assert granted.service is Service.KITE
    assert (granted.user_id, granted.user_name) == (KITE_USER.user_id, KITE_USER.user_name)
    assert granted.session_token is None
    assert profile.user_id == KITE_USER.user_id
    assert "NFO" in profile.exchanges


def test_the_token_of_a_login_stays_out_of_its_repr(
    kite_client: KiteClient, simulator: Simulator
) -> None:
    granted = exchange(kite_client, simulator.kite_request_token())

    assert granted.access_token not in repr(granted)


def test_a_request_token_is_good_once(kite_client: KiteClient, simulator: Simulator) -> None:
    token = simulator.kite_request_token()
    exchange(kite_client, token)

    with pytest.raises(BrokerLoginRefusedError) as refusal:
        exchange(kite_client, token)

    assert token not in str(refusal.value)


def test_a_wrong_secret_is_a_refused_login(kite_client: KiteClient, simulator: Simulator) -> None:
    with pytest.raises(BrokerLoginRefusedError):
        exchange(kite_client, simulator.kite_request_token(), secret="wrong")


def test_margins_are_read_by_segment(kite_client: KiteClient, kite_access: KiteAccess) -> None:
    margins = kite_client.margins(kite_access)

    assert set(margins) == {"equity", "commodity"}
    assert margins["equity"].enabled


def test_an_ended_login_must_be_made_again(
    kite_client: KiteClient, kite_access: KiteAccess
) -> None:
    kite_client.invalidate(kite_access)

    with pytest.raises(BrokerSessionExpiredError, match="munshi login kite"):
        kite_client.profile(kite_access)


def test_a_login_dies_at_six_in_the_morning(
    kite_client: KiteClient, kite_access: KiteAccess, simulated_clock: FakeClock
) -> None:
    simulated_clock.advance(timedelta(hours=19, minutes=29, seconds=29))
    kite_client.profile(kite_access)
    simulated_clock.advance(timedelta(seconds=2))

    with pytest.raises(BrokerSessionExpiredError):
        kite_client.profile(kite_access)


def test_a_token_with_a_broken_header_must_be_made_again(kite_client: KiteClient) -> None:
    with pytest.raises(BrokerSessionExpiredError):
        kite_client.profile(KiteAccess(api_key="", access_token=""))


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
    ],
)
def test_each_fault_calls_for_its_reaction(
    kite_client: KiteClient,
    kite_access: KiteAccess,
    simulator: Simulator,
    kind: FaultKind,
    expected: type[AppError],
) -> None:
    simulator.fault(kind, service="kite")

    with pytest.raises(AppError) as failure:
        kite_client.profile(kite_access)

    assert type(failure.value) is expected
    assert kite_access.access_token not in str(failure.value)


def test_a_broker_that_hangs_is_given_up(
    impatient_http: httpx.Client, kite_access: KiteAccess, simulator: Simulator
) -> None:
    client = KiteClient(
        http=impatient_http,
        endpoints=KiteEndpoints.at(simulator.url),
        gate=OpenGate(),
        guard=no_transaction_open,
    )
    simulator.fault(FaultKind.HANG, service="kite", count=1, seconds=1.0)

    with pytest.raises(BrokerUnavailableError, match="did not answer in time"):
        client.profile(kite_access)


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.THROTTLE_TEXT])
def test_a_read_waits_out_a_refusal_for_haste(
    kite_client: KiteClient,
    kite_access: KiteAccess,
    simulator: Simulator,
    simulated_clock: FakeClock,
    kind: FaultKind,
) -> None:
    simulator.fault(kind, service="kite", count=3)
    before = simulated_clock.monotonic()

    profile = kite_client.profile(kite_access)

    assert profile.user_id == KITE_USER.user_id
    assert len(simulator.arrivals(endpoint_class="user")) == 4
    assert 6.0 <= simulated_clock.monotonic() - before < 10.0


def test_a_storm_of_refusals_is_waited_out_three_times_only(
    kite_client: KiteClient, kite_access: KiteAccess, simulator: Simulator
) -> None:
    simulator.fault(FaultKind.THROTTLE, service="kite")

    with pytest.raises(BrokerThrottledError):
        kite_client.profile(kite_access)

    assert len(simulator.arrivals(endpoint_class="user")) == 4


def test_the_exchange_of_a_request_token_is_never_repeated(
    kite_client: KiteClient, simulator: Simulator
) -> None:
    simulator.fault(FaultKind.THROTTLE, service="kite", count=1)

    with pytest.raises(BrokerThrottledError):
        exchange(kite_client, simulator.kite_request_token())

    assert len(simulator.arrivals(endpoint_class="session")) == 1


def test_a_reset_after_the_exchange_leaves_the_request_token_spent(
    kite_client: KiteClient, simulator: Simulator
) -> None:
    token = simulator.kite_request_token()
    simulator.fault(FaultKind.RESET, service="kite", count=1)
    with pytest.raises(BrokerUnavailableError) as failure:
        exchange(kite_client, token)

    with pytest.raises(BrokerLoginRefusedError):
        exchange(kite_client, token)

    assert token not in str(failure.value)


def test_paced_by_the_documented_limits_the_broker_never_refuses(
    kite_client: KiteClient, kite_access: KiteAccess, simulator: Simulator
) -> None:
    simulator.documented_limits()

    ask_often(kite_client, kite_access, times=35)

    assert {arrival.status for arrival in simulator.arrivals(endpoint_class="user")} == {200}


def test_without_pacing_the_broker_refuses_so_the_test_above_can_fail(
    http: httpx.Client, kite_access: KiteAccess, simulator: Simulator
) -> None:
    simulator.documented_limits()
    hasty = KiteClient(
        http=http,
        endpoints=KiteEndpoints.at(simulator.url),
        gate=OpenGate(),
        guard=no_transaction_open,
    )

    with pytest.raises(BrokerThrottledError):
        ask_often(hasty, kite_access, times=11)


def test_nobody_at_the_address_means_that_kite_is_unavailable(
    http: httpx.Client, kite_access: KiteAccess
) -> None:
    client = KiteClient(
        http=http,
        endpoints=KiteEndpoints.at("http://127.0.0.1:9"),
        gate=OpenGate(),
        guard=no_transaction_open,
    )

    with pytest.raises(BrokerUnavailableError, match="could not be reached"):
        client.profile(kite_access)
