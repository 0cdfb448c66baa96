"""What is asked again when a broker fails, and what never is."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open
from clocks import FakeClock
from munshi.errors import (
    AppError,
    BrokerLoginRefusedError,
    BrokerRequestError,
    BrokerRestingError,
    BrokerSessionExpiredError,
    BrokerUnavailableError,
    RequestAbandonedError,
)
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.line import Resilience
from munshi.infrastructure.brokers.retries import Retries, RetryBudget
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from simulators import Simulator

TRANSIENT = [
    FaultKind.BAD_GATEWAY,
    FaultKind.UNAVAILABLE,
    FaultKind.HTML,
    FaultKind.RESET,
]
NIFTY = BreezeContract(stock_code="NIFTY", exchange_code="NSE")
transient = pytest.mark.parametrize("kind", TRANSIENT)


@dataclass(slots=True)
class Line:
    """Clients whose reads are tried three times, and for how long they waited in between."""

    http: httpx.Client
    simulator: Simulator
    waits: list[float] = field(default_factory=list)
    budget: RetryBudget = field(default_factory=RetryBudget)

    @property
    def _resilience(self) -> Resilience:
        return Resilience(retries=Retries(tries=3, wait=self.waits.append, budget=self.budget))

    @property
    def kite(self) -> KiteClient:
        return KiteClient(
            http=self.http,
            endpoints=KiteEndpoints.at(self.simulator.url),
            gate=OpenGate(),
            guard=no_transaction_open,
            resilience=self._resilience,
        )

    @property
    def breeze(self) -> BreezeClient:
        return BreezeClient(
            http=self.http,
            endpoints=BreezeEndpoints.at(self.simulator.url),
            clock=self.simulator.clock,
            gate=OpenGate(),
            guard=no_transaction_open,
            resilience=self._resilience,
        )


@pytest.fixture
def line(http: httpx.Client, simulator: Simulator) -> Line:
    return Line(http=http, simulator=simulator)


def calls(simulator: Simulator) -> int:
    return len(simulator.arrivals())


@transient
def test_a_read_that_fails_is_asked_again_after_a_growing_wait(
    line: Line, simulator: Simulator, kite_access: KiteAccess, kind: FaultKind
) -> None:
    simulator.fault(kind, count=2)

    profile = line.kite.profile(kite_access)

    assert profile.user_id == KITE_USER.user_id
    assert calls(simulator) == 3
    first, second = line.waits
    assert 0.25 <= first <= 0.75
    assert 0.5 <= second <= 1.5


@transient
def test_a_broker_that_stays_down_is_asked_three_times(
    line: Line, simulator: Simulator, breeze_access: BreezeAccess, kind: FaultKind
) -> None:
    simulator.fault(kind)

    with pytest.raises(BrokerUnavailableError):
        line.breeze.quotes(breeze_access, contract=NIFTY)

    assert calls(simulator) == 3
    assert len(line.waits) == 2


@transient
@pytest.mark.parametrize("call", ["exchange", "invalidate", "pulse"])
def test_what_changes_something_is_sent_once_whatever_comes_back(
    line: Line, simulator: Simulator, kite_access: KiteAccess, kind: FaultKind, call: str
) -> None:
    """`reset` closes the connection after the broker has done it: twice would be wrong."""
    simulator.fault(kind)
    asked: dict[str, Callable[[], object]] = {
        "exchange": lambda: line.kite.exchange_request_token(
            simulator.kite_request_token(),
            api_key=KITE_USER.app_key,
            api_secret=KITE_USER.app_secret,
        ),
        "invalidate": lambda: line.kite.invalidate(kite_access),
        "pulse": line.kite.pulse,
    }

    with pytest.raises(BrokerUnavailableError):
        asked[call]()

    assert calls(simulator) == 1
    assert line.waits == []


@pytest.mark.parametrize(
    ("ask", "reaction"),
    [
        (lambda on, _: on.kite.profile(KiteAccess(api_key="k", access_token="t")), "session"),
        (lambda on, access: on.kite.quotes(access, instruments=[]), "request"),
        (lambda on, _: on.breeze.customer_details("0", app_key="nobody's"), "login"),
    ],
    ids=["dead-token", "wrong-request", "wrong-app"],
)
def test_what_asks_for_something_else_is_not_asked_again(
    line: Line,
    simulator: Simulator,
    kite_access: KiteAccess,
    ask: Callable[[Line, KiteAccess], Any],
    reaction: str,
) -> None:
    expected: dict[str, type[AppError]] = {
        "session": BrokerSessionExpiredError,
        "request": BrokerRequestError,
        "login": BrokerLoginRefusedError,
    }

    with pytest.raises(expected[reaction]):
        ask(line, kite_access)

    assert calls(simulator) <= 1
    assert line.waits == []


def test_an_outage_is_not_multiplied_by_retries(
    line: Line, simulator: Simulator, kite_access: KiteAccess
) -> None:
    """The budget of ten is used up; from then on each call is one."""
    simulator.fault(FaultKind.UNAVAILABLE)

    for _ in range(40):
        with pytest.raises(BrokerUnavailableError):
            line.kite.profile(kite_access)

    assert calls(simulator) == 50
    assert line.budget.left < 1


def test_calls_that_go_well_earn_retries_again(
    line: Line, simulator: Simulator, kite_access: KiteAccess
) -> None:
    while line.budget.take():
        pass

    for _ in range(11):
        line.kite.profile(kite_access)
    simulator.fault(FaultKind.UNAVAILABLE, count=1)
    line.kite.profile(kite_access)

    assert calls(simulator) == 13


def test_a_job_that_must_stop_does_not_wait_for_another_try(
    http: httpx.Client, simulator: Simulator, kite_access: KiteAccess
) -> None:
    def stop(_: float) -> None:
        raise RequestAbandonedError("told to stop")

    simulator.fault(FaultKind.UNAVAILABLE)
    client = KiteClient(
        http=http,
        endpoints=KiteEndpoints.at(simulator.url),
        gate=OpenGate(),
        guard=no_transaction_open,
        resilience=Resilience(retries=Retries(tries=3, wait=stop)),
    )

    with pytest.raises(RequestAbandonedError):
        client.profile(kite_access)

    assert calls(simulator) == 1


class Resting:
    """A circuit that is open, and what went past it."""

    def __init__(self) -> None:
        self.passed: Counter[bool] = Counter()

    def check(self) -> None:
        raise BrokerRestingError("It rests.", retry_after=10)

    def call(self, *, sign_in: bool = False) -> Any:  # noqa: ANN401
        self.passed[sign_in] += 1
        return OpenGate()("")


def test_a_resting_broker_is_asked_by_nobody_but_logins_and_looks(
    http: httpx.Client, simulator: Simulator, simulated_clock: FakeClock, kite_access: KiteAccess
) -> None:
    """Not even a permit is taken: the day's count is not for calls that are not made."""
    gate, circuit = OpenGate(), Resting()
    client = KiteClient(
        http=http,
        endpoints=KiteEndpoints.at(simulator.url),
        gate=gate,
        guard=no_transaction_open,
        resilience=Resilience(
            retries=Retries(tries=3, wait=simulated_clock.sleep), circuit=circuit
        ),
    )

    for refused in (lambda: client.profile(kite_access), lambda: client.invalidate(kite_access)):
        with pytest.raises(BrokerRestingError):
            refused()
    client.pulse()
    client.exchange_request_token(
        simulator.kite_request_token(), api_key=KITE_USER.app_key, api_secret=KITE_USER.app_secret
    )

    assert gate.passed == ["kite.pulse", "kite.other"]
    assert circuit.passed == {True: 1}
