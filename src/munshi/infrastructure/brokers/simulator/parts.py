"""What the handlers of both brokers share."""

from dataclasses import dataclass
from enum import StrEnum

from munshi.infrastructure.brokers.simulator.breeze_tokens import BreezeTokens
from munshi.infrastructure.brokers.simulator.faults import FaultBoard
from munshi.infrastructure.brokers.simulator.kite_tokens import KiteTokens
from munshi.infrastructure.brokers.simulator.rate_limits import RateLimits
from munshi.infrastructure.brokers.simulator.seed import BREEZE_REDIRECT_URL, KITE_REDIRECT_URL
from munshi.infrastructure.brokers.simulator.state import SimulatorState


class RedirectMode(StrEnum):
    """How Breeze hands over the session: in the query, or in a form that posts itself."""

    GET = "GET"
    POST = "POST"


@dataclass(slots=True, kw_only=True)
class Redirects:
    """Where the two registered apps asked to be sent after a login."""

    kite_url: str = KITE_REDIRECT_URL
    breeze_url: str = BREEZE_REDIRECT_URL
    breeze_mode: RedirectMode = RedirectMode.GET


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One simulated desk behind the HTTP door."""

    state: SimulatorState
    kite: KiteTokens
    breeze: BreezeTokens
    limits: RateLimits
    faults: FaultBoard
    redirects: Redirects
