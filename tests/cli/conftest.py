"""Brokers for commands: the simulator of the test run, on the machine's own clock."""

import pytest

from munshi.clock import SystemClock
from simulators import Simulator


@pytest.fixture
def brokers(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """What a command finds instead of starting a simulator of its own."""
    simulator.clock.set(SystemClock().now())
    monkeypatch.setenv("MUNSHI_SIMULATOR_URL", simulator.url)
    return simulator
