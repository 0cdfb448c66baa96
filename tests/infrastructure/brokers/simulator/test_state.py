"""What survives when the simulator is killed, and what does not grow."""

from datetime import timedelta
from pathlib import Path

import pytest

from clocks import FakeClock
from munshi.infrastructure.brokers.simulator.breeze_tokens import BreezeTokens
from munshi.infrastructure.brokers.simulator.faults import FaultBoard, FaultKind
from munshi.infrastructure.brokers.simulator.kite_tokens import KiteTokens
from munshi.infrastructure.brokers.simulator.rate_limits import DOCUMENTED_LIMITS, RateLimits
from munshi.infrastructure.brokers.simulator.state import SimulatorState
from simulators import A_TRADING_MORNING

KEY = "simkitekey"


def reopened(state: SimulatorState) -> SimulatorState:
    """A second look at the file, while the first was never closed: as after a SIGKILL."""
    return SimulatorState(state.path, clock=FakeClock(A_TRADING_MORNING)).open()


@pytest.fixture
def state(tmp_path: Path) -> SimulatorState:
    return SimulatorState(tmp_path / "simulator.db", clock=FakeClock(A_TRADING_MORNING)).open()


def test_killed_simulator_comes_back_as_the_same_broker(state: SimulatorState) -> None:
    kite, breeze = KiteTokens(state), BreezeTokens(state)
    access = kite.issue_access_token(KEY, user_id="SIM123")
    spent = kite.issue_request_token(KEY, user_id="SIM123")
    kite.spend_request_token(spent, api_key=KEY)
    session = breeze.open_session("SIMBREEZE")
    pem = breeze.public_key_pem()
    state.set_clock_offset(timedelta(hours=1))
    FaultBoard(state).switch_on(FaultKind.HTML, service="kite", count=2)

    again = reopened(state)

    assert again.identity == state.identity
    assert again.clock_offset == timedelta(hours=1)
    assert KiteTokens(again).accepts(access, api_key=KEY)
    assert not KiteTokens(again).spend_request_token(spent, api_key=KEY)
    assert BreezeTokens(again).get_by_api_session(session.api_session) == session
    assert BreezeTokens(again).public_key_pem() == pem
    assert [fault.remaining for fault in FaultBoard(again).list_faults()] == [2]
    again.close()
    state.close()


def test_daily_count_survives_a_restart(state: SimulatorState) -> None:
    limits = RateLimits(state, limits=[x for x in DOCUMENTED_LIMITS if x.window_seconds > 60])
    for _ in range(5000):
        limits.take("breeze", "api")

    again = RateLimits(reopened(state), limits=DOCUMENTED_LIMITS)

    refused = again.take("breeze", "api")
    assert refused is not None
    assert refused.allowed == 5000


def test_arrival_log_keeps_the_newest_rows_only(tmp_path: Path) -> None:
    state = SimulatorState(
        tmp_path / "simulator.db", clock=FakeClock(A_TRADING_MORNING), arrivals_kept=10
    ).open()

    for number in range(35):
        state.record_arrival(
            service="kite", endpoint_class="user", method="GET", path=f"/user/{number}"
        )

    kept = state.list_arrivals()
    assert len(kept) < 20
    assert kept[-1].path == "/user/34"
    state.close()


def test_unanswered_call_stays_without_a_status(state: SimulatorState) -> None:
    state.record_arrival(service="kite", endpoint_class="user", method="GET", path="/user/profile")

    [arrival] = reopened(state).list_arrivals()

    assert (arrival.status, arrival.fault) == (None, None)


def test_closed_state_says_so(state: SimulatorState) -> None:
    state.close()

    with pytest.raises(RuntimeError, match="not open"):
        state.list_arrivals()
