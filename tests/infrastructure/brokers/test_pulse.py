"""Whether a broker answers, asked of both simulated ones."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from broker_clients import OpenGate, no_transaction_open
from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.pulse import Pulse
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from simulators import Simulator

Ask = Callable[[], Pulse]


@pytest.fixture(params=["kite", "breeze"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """One broker, asked without key and session."""
    client: KiteClient | BreezeClient = request.getfixturevalue(f"{request.param}_client")
    return client.pulse


def test_a_broker_that_refuses_a_stranger_answers_with_its_own_time(
    ask: Ask, simulator: Simulator
) -> None:
    simulator.clock.advance(timedelta(minutes=5))

    pulse = ask()

    assert pulse.dated == simulator.clock.now()
    assert len(simulator.arrivals()) == 1


@pytest.mark.parametrize("kind", [FaultKind.BAD_GATEWAY, FaultKind.UNAVAILABLE, FaultKind.HTML])
def test_what_a_gateway_says_in_its_stead_is_no_answer(
    ask: Ask, simulator: Simulator, kind: FaultKind
) -> None:
    simulator.fault(kind)

    with pytest.raises(BrokerUnavailableError):
        ask()


def test_a_reply_without_a_date_is_an_answer_all_the_same() -> None:
    def reply(_: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"status": "error"}, headers={"date": "yesterday"})

    with httpx.Client(transport=httpx.MockTransport(reply)) as http:
        client = KiteClient(
            http=http,
            endpoints=KiteEndpoints.at("http://127.0.0.1:9"),
            gate=OpenGate(),
            guard=no_transaction_open,
        )

        assert client.pulse() == Pulse(dated=None)
