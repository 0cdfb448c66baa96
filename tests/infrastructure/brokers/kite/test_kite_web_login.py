"""Headless login at the simulated Kite."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker_clients import no_transaction_open, open_patient_http
from clocks import FakeClock
from munshi.errors import BrokerLoginRefusedError, BrokerUnavailableError
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.web_login import kite_web_login
from munshi.infrastructure.brokers.line import Gate
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from munshi.infrastructure.brokers.web_session import WebCredentials
from raw_server import RawServer, http_reply
from simulators import Simulator

WHO = WebCredentials(
    app_key=KITE_USER.app_key,
    user_id=KITE_USER.user_id,
    password=KITE_USER.password,
    totp_seed=KITE_USER.totp_seed,
)
Login = Callable[[WebCredentials], str]


@pytest.fixture
def log_in(
    simulator: Simulator,
    simulated_clock: FakeClock,
    gate: Gate,
) -> Login:
    return lambda who: kite_web_login(
        who,
        endpoints=KiteEndpoints.at(simulator.url),
        open_http=open_patient_http,
        clock=simulated_clock,
        gate=gate,
        guard=no_transaction_open,
    )


def test_password_and_code_give_a_request_token_that_kite_takes(
    log_in: Login, simulator: Simulator, kite_client: KiteClient
) -> None:
    simulator.authorise_kite_app()

    token = log_in(WHO)

    granted = kite_client.exchange_request_token(
        token, api_key=KITE_USER.app_key, api_secret=KITE_USER.app_secret
    )
    assert granted.user_id == KITE_USER.user_id


def test_the_first_login_of_an_app_gives_the_consent_that_is_asked_for(log_in: Login) -> None:
    assert log_in(WHO)
    assert log_in(WHO)


@pytest.mark.parametrize(
    "who",
    [
        replace(WHO, password="wrong"),
        replace(WHO, user_id="NOBODY"),
        replace(WHO, totp_seed="KRSXG5CTMVRXEZLU"),
        replace(WHO, app_key="nosuchkey"),
    ],
    ids=["password", "user", "other-seed", "app-key"],
)
def test_wrong_credentials_are_a_refused_login(log_in: Login, who: WebCredentials) -> None:
    with pytest.raises(BrokerLoginRefusedError) as refusal:
        log_in(who)

    assert who.password not in str(refusal.value)
    assert who.totp_seed not in str(refusal.value)


def test_a_wrong_password_is_sent_once(log_in: Login, simulator: Simulator) -> None:
    with pytest.raises(BrokerLoginRefusedError):
        log_in(replace(WHO, password="wrong"))

    posts = [call.path for call in simulator.arrivals() if call.method == "POST"]
    assert posts == ["/api/login"]


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.UNAVAILABLE, FaultKind.RESET])
def test_a_broker_in_trouble_is_unavailable_and_not_a_wrong_password(
    log_in: Login, simulator: Simulator, kind: FaultKind
) -> None:
    simulator.fault(kind, service="kite", endpoint_class="login")

    with pytest.raises(BrokerUnavailableError):
        log_in(WHO)


def test_the_password_goes_to_no_other_host(
    simulated_clock: FakeClock,
    gate: Gate,
    raw_server: RawServer,
    simulator: Simulator,
) -> None:
    elsewhere = f"Location: {simulator.url}/connect/login?api_key={KITE_USER.app_key}"
    raw_server.replies = [http_reply(status="302 Found", headers=[elsewhere])]

    with pytest.raises(BrokerUnavailableError, match="another host"):
        kite_web_login(
            WHO,
            endpoints=KiteEndpoints.at(raw_server.url),
            open_http=open_patient_http,
            clock=simulated_clock,
            gate=gate,
            guard=no_transaction_open,
        )

    assert simulator.arrivals() == []
    assert all(WHO.password.encode() not in sent for sent in raw_server.requests)


def test_redirects_in_a_circle_end(
    simulated_clock: FakeClock,
    gate: Gate,
    raw_server: RawServer,
) -> None:
    raw_server.replies = [http_reply(status="302 Found", headers=["Location: /connect/login"])]

    with pytest.raises(BrokerUnavailableError, match="in a circle"):
        kite_web_login(
            WHO,
            endpoints=KiteEndpoints.at(raw_server.url),
            open_http=open_patient_http,
            clock=simulated_clock,
            gate=gate,
            guard=no_transaction_open,
        )

    assert len(raw_server.requests) <= 11


def test_credentials_stay_out_of_their_repr() -> None:
    assert WHO.password not in repr(WHO)
    assert WHO.totp_seed not in repr(WHO)
