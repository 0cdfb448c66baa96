"""No broker is asked inside a transaction or without a permit, by any public method."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open, refuse_sending
from clocks import FakeClock
from munshi.domain.market.intervals import Interval
from munshi.domain.quotas import DOCUMENTED_LIMITS
from munshi.errors import BrokerThrottledError, TransactionOpenError
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.web_login import breeze_web_login
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.web_login import kite_web_login
from munshi.infrastructure.brokers.line import Gate, Guard
from munshi.infrastructure.brokers.web_session import WebCredentials

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
KITE = KiteAccess(api_key="k", access_token="t")
BREEZE = BreezeAccess(app_key="k", secret_key="s", session_token="t")
NIFTY = BreezeContract(stock_code="NIFTY", exchange_code="NSE")
WHO = WebCredentials(app_key="k", user_id="u", password="p", totp_seed="JBSWY3DPEHPK3PXP")
# These only put an address together.
ASK_NOBODY = {"login_url"}

KITE_CALLS: dict[str, tuple[str, Callable[[KiteClient], object]]] = {
    "exchange_request_token": (
        "kite.other",
        lambda c: c.exchange_request_token("r", api_key="k", api_secret="s"),
    ),
    "invalidate": ("kite.other", lambda c: c.invalidate(KITE)),
    "pulse": ("kite.pulse", lambda c: c.pulse()),
    "profile": ("kite.other", lambda c: c.profile(KITE)),
    "margins": ("kite.other", lambda c: c.margins(KITE)),
    "instruments": ("kite.other", lambda c: c.instruments(KITE)),
    "quotes": ("kite.quote", lambda c: c.quotes(KITE, instruments=["NSE:INFY"])),
    "ohlc": ("kite.quote", lambda c: c.ohlc(KITE, instruments=["NSE:INFY"])),
    "ltp": ("kite.quote", lambda c: c.ltp(KITE, instruments=["NSE:INFY"])),
    "historical": (
        "kite.historical",
        lambda c: c.historical(KITE, token=1, interval=Interval.ONE_DAY, start=NOW, end=NOW),
    ),
}
BREEZE_CALLS: dict[str, tuple[str, Callable[[BreezeClient], object]]] = {
    "customer_details": ("breeze.api", lambda c: c.customer_details("1", app_key="k")),
    "pulse": ("breeze.pulse", lambda c: c.pulse()),
    "quotes": ("breeze.api", lambda c: c.quotes(BREEZE, contract=NIFTY)),
    "historical": (
        "breeze.api",
        lambda c: c.historical(
            BREEZE, contract=NIFTY, interval=Interval.ONE_DAY, start=NOW, end=NOW
        ),
    ),
    "security_master": ("breeze.master", lambda c: c.security_master()),
}
Call = Callable[[httpx.Client, Gate, Guard], object]


def on_kite(call: Callable[[KiteClient], object]) -> Call:
    endpoints = KiteEndpoints.at("http://127.0.0.1:9")
    return lambda http, gate, guard: call(
        KiteClient(http=http, endpoints=endpoints, gate=gate, guard=guard)
    )


def on_breeze(call: Callable[[BreezeClient], object]) -> Call:
    endpoints = BreezeEndpoints.at("http://127.0.0.1:9")
    return lambda http, gate, guard: call(
        BreezeClient(http=http, endpoints=endpoints, clock=FakeClock(NOW), gate=gate, guard=guard)
    )


def kite_login(http: httpx.Client, gate: Gate, guard: Guard) -> object:
    return kite_web_login(
        WHO,
        endpoints=KiteEndpoints.at("http://127.0.0.1:9"),
        open_http=lambda: http,
        clock=FakeClock(NOW),
        gate=gate,
        guard=guard,
    )


def breeze_login(http: httpx.Client, gate: Gate, guard: Guard) -> object:
    return breeze_web_login(
        WHO,
        endpoints=BreezeEndpoints.at("http://127.0.0.1:9"),
        open_http=lambda: http,
        clock=FakeClock(NOW),
        gate=gate,
        guard=guard,
    )


CALLS: dict[str, tuple[str, Call]] = {
    **{f"kite-{name}": (where, on_kite(call)) for name, (where, call) in KITE_CALLS.items()},
    **{f"breeze-{name}": (where, on_breeze(call)) for name, (where, call) in BREEZE_CALLS.items()},
    "kite-web-login": ("kite.login", kite_login),
    "breeze-web-login": ("breeze.login", breeze_login),
}
every_call = pytest.mark.parametrize(("where", "call"), CALLS.values(), ids=CALLS.keys())


@pytest.mark.parametrize(
    ("client", "calls"), [(KiteClient, KITE_CALLS), (BreezeClient, BREEZE_CALLS)]
)
def test_every_public_method_stands_in_these_tests(
    client: type[object], calls: dict[str, object]
) -> None:
    methods = {
        name
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }

    assert methods - ASK_NOBODY == set(calls)


@every_call
def test_a_call_inside_a_transaction_is_refused_before_anything_is_sent(
    where: str, call: Call
) -> None:
    gate = OpenGate()

    def refuse() -> None:
        raise TransactionOpenError("a transaction is open")

    with (
        httpx.Client(transport=httpx.MockTransport(refuse_sending)) as http,
        pytest.raises(TransactionOpenError),
    ):
        call(http, gate, refuse)

    assert gate.passed == []
    assert where in DOCUMENTED_LIMITS


@every_call
def test_nothing_is_sent_without_a_permit_of_the_right_class(where: str, call: Call) -> None:
    asked: list[str] = []

    def shut(endpoint_class: str) -> NoReturn:
        asked.append(endpoint_class)
        raise BrokerThrottledError("the gate is shut", retry_after=1000.0)

    with (
        httpx.Client(transport=httpx.MockTransport(refuse_sending)) as http,
        pytest.raises(BrokerThrottledError),
    ):
        call(http, shut, no_transaction_open)

    assert asked == [where]
