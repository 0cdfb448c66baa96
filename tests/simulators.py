"""Both brokers for tests: a simulator on a loopback port, its clock in the test's hand.

Use the fixtures `simulator` and `simulated_clock`. The broker's clock stands still until a test
moves it and request limits are lifted until `simulator.documented_limits()`, because calls on a
standing clock all fall into one second.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from clocks import FakeClock
from munshi.domain.market.calendar import MarketCalendar
from munshi.infrastructure.brokers.simulator.app import create_app
from munshi.infrastructure.brokers.simulator.candle_source import CandleSource
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.gateway import Connections
from munshi.infrastructure.brokers.simulator.parts import Parts, RedirectMode, Redirects
from munshi.infrastructure.brokers.simulator.rate_limits import DOCUMENTED_LIMITS, UNLIMITED
from munshi.infrastructure.brokers.simulator.seed import (
    BREEZE_REDIRECT_URL,
    BREEZE_USER,
    KITE_REDIRECT_URL,
    KITE_USER,
)
from munshi.infrastructure.brokers.simulator.server import ServerThread
from munshi.infrastructure.brokers.simulator.serving import STATE_NAME
from munshi.infrastructure.brokers.simulator.state import ARRIVALS_KEPT, Arrival, SimulatorState
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles

# A Friday, 10:30:30 IST: the market is open and a bar is forming.
A_TRADING_MORNING = datetime(2026, 11, 20, 5, 0, 30, tzinfo=UTC)
LONGEST_HANG_SECONDS = 10.0


class Simulator:
    """One running simulator: tests talk to it at `url` or through `http`."""

    def __init__(
        self,
        folder: Path,
        clock: FakeClock,
        *,
        candles: CandleSource,
        arrivals_kept: int = ARRIVALS_KEPT,
    ) -> None:
        self.clock = clock
        self.state_file = folder / STATE_NAME
        state = SimulatorState(self.state_file, clock=clock, arrivals_kept=arrivals_kept)
        self._state = state.open()
        connections = Connections()
        app = create_app(
            self._state,
            candles,
            limits=UNLIMITED,
            redirects=Redirects(),
            connections=connections,
        )
        self.parts: Parts = app.state.parts
        self._server = ServerThread(app, connections=connections)
        self._server.start()
        self.http = httpx.Client(base_url=self.url)

    @property
    def url(self) -> str:
        return self._server.url

    def stop(self) -> None:
        self.http.close()
        self._server.stop()
        self._state.close()

    def reset(self) -> None:
        """A broker that has met nobody yet, on a trading morning."""
        self._let_hanging_calls_end()
        self.http.cookies.clear()
        self.clock.set(A_TRADING_MORNING)
        self._state.reset()
        self.parts.limits.forget_calls()
        self.parts.redirects.kite_url = KITE_REDIRECT_URL
        self.parts.redirects.breeze_url = BREEZE_REDIRECT_URL
        self.parts.redirects.breeze_mode = RedirectMode.GET

    def _let_hanging_calls_end(self) -> None:
        """A call whose client gave up would be answered, and counted, in the next test."""
        deadline = time.monotonic() + LONGEST_HANG_SECONDS
        while any(call.status is None and call.fault is None for call in self.arrivals()):
            if time.monotonic() > deadline:
                pytest.fail("a call to the simulator is still hanging")
            time.sleep(0.02)

    def documented_limits(self) -> None:
        """Count calls as the brokers publish it (on the broker's clock, so move it)."""
        for limit in DOCUMENTED_LIMITS:
            self.parts.limits.save_limit(limit)

    def fault(
        self,
        kind: FaultKind,
        *,
        service: str = "*",
        endpoint_class: str = "*",
        count: int | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Switch a fault on, `count` times or until `mend()`."""
        self.parts.faults.switch_on(
            kind, service=service, endpoint_class=endpoint_class, count=count, seconds=seconds
        )

    def mend(self) -> None:
        self.parts.faults.clear()

    def arrivals(
        self, *, service: str | None = None, endpoint_class: str | None = None
    ) -> list[Arrival]:
        """The calls the brokers saw, oldest first."""
        return self._state.list_arrivals(service=service, endpoint_class=endpoint_class)

    def end_logins(self) -> None:
        """Master logout at both brokers."""
        self.parts.kite.end_access(KITE_USER.app_key)
        self.parts.breeze.end_all()

    def authorise_kite_app(self) -> None:
        """Consent given before, so that a login redirects at once."""
        self.parts.kite.authorise(KITE_USER.app_key)

    def kite_request_token(self) -> str:
        """A fresh request token, as the redirect would carry it."""
        return self.parts.kite.issue_request_token(KITE_USER.app_key, user_id=KITE_USER.user_id)

    def kite_access_token(self) -> str:
        """A live access token; ends the one before it."""
        return self.parts.kite.issue_access_token(KITE_USER.app_key, user_id=KITE_USER.user_id)

    def breeze_api_session(self) -> str:
        """A fresh API session, as the redirect would carry it."""
        return self.parts.breeze.open_session(BREEZE_USER.user_id).api_session

    def breeze_session_token(self) -> str:
        """A live `X-SessionToken` value."""
        return self.parts.breeze.open_session(BREEZE_USER.user_id).header_value


def code_now(clock: FakeClock, seed: str) -> str:
    """The one-time code an authenticator app would show."""
    return pyotp.TOTP(seed).at(clock.now())


def query_of(location: str) -> dict[str, str]:
    """The query of a redirect, one value a name."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def hidden_fields(html: str) -> dict[str, str]:
    """The hidden inputs of a login page."""
    found = re.findall(r'type="hidden" id="[^"]*" name="([^"]*)" value="([^"]*)"', html)
    return dict(found)


def kite_headers(token: str, *, api_key: str = KITE_USER.app_key) -> dict[str, str]:
    return {"X-Kite-Version": "3", "Authorization": f"token {api_key}:{token}"}


def breeze_headers(
    body: str, session_token: str, *, now: datetime, secret: str = BREEZE_USER.app_secret
) -> dict[str, str]:
    """The signed headers of a version 1 call with exactly this body."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "Content-Type": "application/json",
        "X-Checksum": f"token {hashlib.sha256(f'{stamp}{body}{secret}'.encode()).hexdigest()}",
        "X-Timestamp": stamp,
        "X-AppKey": BREEZE_USER.app_key,
        "X-SessionToken": session_token,
    }


def body_of(response: httpx.Response) -> dict[str, Any]:
    parsed: dict[str, Any] = response.json()
    return parsed


@pytest.fixture(scope="session")
def _shared_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    candles = SyntheticCandles(MarketCalendar.packaged())
    folder = tmp_path_factory.mktemp("simulator")
    running = Simulator(folder, FakeClock(A_TRADING_MORNING), candles=candles)
    yield running
    running.stop()


@pytest.fixture
def simulator(_shared_simulator: Simulator) -> Simulator:
    """Both brokers, met by nobody yet, limits lifted, at 10:30:30 IST on Friday 20 Nov 2026."""
    _shared_simulator.reset()
    return _shared_simulator


@pytest.fixture
def simulated_clock(simulator: Simulator) -> FakeClock:
    """The broker's clock; hand it to the client too, so that both agree on the time."""
    return simulator.clock
