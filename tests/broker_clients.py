"""Clients as bootstrap wires them, for tests that ask a broker over loopback."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NoReturn

import httpx
import pytest

from clocks import FakeClock
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.http import open_http
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.line import Gate
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER
from munshi.infrastructure.database.engine import Database
from quotas import open_gate
from simulators import Simulator

# Patient, because a busy machine is no broken broker; the other is for brokers that say nothing.
PATIENT = httpx.Timeout(30.0)
IMPATIENT = httpx.Timeout(0.3)


def no_transaction_open() -> None:
    """The guard's answer when nothing is open."""


class OpenGate:
    """Lets everything through and keeps which classes were asked for."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    @contextmanager
    def __call__(self, endpoint_class: str) -> Iterator[None]:
        self.passed.append(endpoint_class)
        yield


def refuse_sending(request: httpx.Request) -> NoReturn:
    pytest.fail(f"a request left for {request.url.path}")


def open_patient_http() -> httpx.Client:
    return open_http(through_proxy=False, timeout=PATIENT)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with open_patient_http() as client:
        yield client


@pytest.fixture
def impatient_http() -> Iterator[httpx.Client]:
    with open_http(through_proxy=False, timeout=IMPATIENT) as client:
        yield client


@pytest.fixture
def gate(simulated_clock: FakeClock, sqlite_database: Database) -> Iterator[Gate]:
    """The documented limits, on the broker's clock."""
    with closing(open_gate(sqlite_database, simulated_clock)) as quotas:
        yield quotas.permit


@pytest.fixture
def kite_client(http: httpx.Client, simulator: Simulator, gate: Gate) -> KiteClient:
    return KiteClient(
        http=http,
        endpoints=KiteEndpoints.at(simulator.url),
        gate=gate,
        guard=no_transaction_open,
    )


@pytest.fixture
def kite_access(simulator: Simulator) -> KiteAccess:
    return KiteAccess(api_key=KITE_USER.app_key, access_token=simulator.kite_access_token())


@pytest.fixture
def breeze_client(
    http: httpx.Client, simulator: Simulator, simulated_clock: FakeClock, gate: Gate
) -> BreezeClient:
    return BreezeClient(
        http=http,
        endpoints=BreezeEndpoints.at(simulator.url),
        clock=simulated_clock,
        gate=gate,
        guard=no_transaction_open,
    )


@pytest.fixture
def breeze_access(simulator: Simulator) -> BreezeAccess:
    return BreezeAccess(
        app_key=BREEZE_USER.app_key,
        secret_key=BREEZE_USER.app_secret,
        session_token=simulator.breeze_session_token(),
    )
