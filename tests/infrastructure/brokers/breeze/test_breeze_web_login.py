"""Headless login at the simulated Breeze."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broker_clients import no_transaction_open, open_patient_http
from clocks import FakeClock
from munshi.errors import BrokerLoginRefusedError, BrokerUnavailableError
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.web_login import breeze_web_login
from munshi.infrastructure.brokers.line import Gate
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.parts import RedirectMode
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from munshi.infrastructure.brokers.web_session import WebCredentials
from raw_server import RawServer, http_reply
from simulators import Simulator

WHO = WebCredentials(
    app_key=BREEZE_USER.app_key,
    user_id=BREEZE_USER.user_id,
    password=BREEZE_USER.password,
    totp_seed=BREEZE_USER.totp_seed,
)
Login = Callable[[WebCredentials], str]


@pytest.fixture
def log_in(
    simulator: Simulator,
    simulated_clock: FakeClock,
    gate: Gate,
) -> Login:
    return lambda who: breeze_web_login(
        who,
        endpoints=BreezeEndpoints.at(simulator.url),
        open_http=open_patient_http,
        clock=simulated_clock,
        gate=gate,
        guard=no_transaction_open,
    )


@pytest.mark.parametrize("mode", list(RedirectMode))
def test_password_and_code_give_an_api_session_that_breeze_takes(
    log_in: Login, simulator: Simulator, breeze_client: BreezeClient, mode: RedirectMode
) -> None:
    simulator.parts.redirects.breeze_mode = mode

    api_session = log_in(WHO)

    granted = breeze_client.customer_details(api_session, app_key=BREEZE_USER.app_key)
    assert granted.user_id == BREEZE_USER.user_id


@pytest.mark.parametrize(
    "who",
    [
        replace(WHO, password="wrong"),
        replace(WHO, user_id="NOBODY"),
        replace(WHO, totp_seed="JBSWY3DPEHPK3PXP"),
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
    assert posts == ["/apiuser/tradelogin", "/apiuser/tradelogin/getotp"]


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.UNAVAILABLE, FaultKind.RESET])
def test_a_broker_in_trouble_is_unavailable_and_not_a_wrong_password(
    log_in: Login, simulator: Simulator, kind: FaultKind
) -> None:
    simulator.fault(kind, service="breeze", endpoint_class="login")

    with pytest.raises(BrokerUnavailableError):
        log_in(WHO)


def test_a_page_without_its_key_gets_no_password(
    simulated_clock: FakeClock,
    gate: Gate,
    raw_server: RawServer,
) -> None:
    page = '<form><input type="hidden" name="AppKey" value="k"></form>'
    raw_server.replies = [http_reply(page, content_type="text/html")]

    with pytest.raises(BrokerUnavailableError, match="without its encryption key"):
        breeze_web_login(
            WHO,
            endpoints=BreezeEndpoints.at(raw_server.url),
            open_http=open_patient_http,
            clock=simulated_clock,
            gate=gate,
            guard=no_transaction_open,
        )

    assert len(raw_server.requests) == 2
    assert all(WHO.user_id.encode() not in sent for sent in raw_server.requests)


def test_a_page_with_a_broken_key_gets_no_password(
    simulated_clock: FakeClock,
    gate: Gate,
    raw_server: RawServer,
) -> None:
    page = '<form><input type="hidden" name="x_hidpv" value="-----BEGIN nonsense"></form>'
    raw_server.replies = [http_reply(page, content_type="text/html")]

    with pytest.raises(BrokerUnavailableError, match="key cannot be read"):
        breeze_web_login(
            WHO,
            endpoints=BreezeEndpoints.at(raw_server.url),
            open_http=open_patient_http,
            clock=simulated_clock,
            gate=gate,
            guard=no_transaction_open,
        )

    assert len(raw_server.requests) == 2


def test_a_redirect_of_the_last_step_to_another_host_is_not_followed(
    simulated_clock: FakeClock,
    gate: Gate,
    raw_server: RawServer,
) -> None:
    public_key = (
        generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    page = f'<input type="hidden" name="x_hidpv" value="{public_key}">'
    login_page = http_reply(page, content_type="text/html")
    elsewhere = http_reply(status="302 Found", headers=["Location: http://127.0.0.1:9/steal"])
    raw_server.replies = [login_page, login_page, login_page, elsewhere]

    with pytest.raises(BrokerUnavailableError, match="another host"):
        breeze_web_login(
            WHO,
            endpoints=BreezeEndpoints.at(raw_server.url),
            open_http=open_patient_http,
            clock=simulated_clock,
            gate=gate,
            guard=no_transaction_open,
        )

    assert all(WHO.password.encode() not in sent for sent in raw_server.requests)
