"""A whole desk for tests: real services on a migrated SQLite copy, brokers on loopback.

The fixture `services` is what `bootstrap.open_services` yields, with one clock that the desk and
the simulated brokers share; `desk` is the same with what tests do to it in one word.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from clocks import FakeClock
from munshi.bootstrap import BrokerEndpoints, Services, open_services
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession
from munshi.settings import Settings, load_settings
from simulators import Simulator

TESTER = Actor(user_id="tester")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Services with the brokers behind them; nobody is logged in at first."""

    services: Services
    simulator: Simulator
    clock: FakeClock

    def log_in(self, service: Service) -> AuthSession:
        """Log in as a person does: the broker's redirect brings a token, the desk trades it."""
        if service is Service.KITE:
            token = self.simulator.kite_request_token()
            return self.services.kite.login(request_token=token, actor=TESTER)
        api_session = self.simulator.breeze_api_session()
        return self.services.breeze.login(api_session=api_session, actor=TESTER)

    def log_in_everywhere(self) -> None:
        for service in Service:
            self.log_in(service)


@pytest.fixture
def desk_settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """A home of this test's own, simulated brokers, nothing read from a `.env` nearby."""
    return load_settings(
        _env_file=None, home=tmp_path, database_url=sqlite_url, env_file=tmp_path / ".env"
    )


@contextmanager
def open_desk(settings: Settings, simulator: Simulator) -> Iterator[Desk]:
    """Everything wired as in `munshi serve`, against `simulator`, on its clock."""
    endpoints = BrokerEndpoints.at(simulator.url)
    with open_services(settings, clock=simulator.clock, endpoints=endpoints) as services:
        yield Desk(services=services, simulator=simulator, clock=simulator.clock)


@pytest.fixture
def desk(desk_settings: Settings, simulator: Simulator) -> Iterator[Desk]:
    with open_desk(desk_settings, simulator) as opened:
        yield opened


@pytest.fixture
def services(desk: Desk) -> Services:
    return desk.services
