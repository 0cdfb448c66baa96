"""What a health check stands on, and what it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.enums import Service
from munshi.domain.health import Finding
from munshi.domain.market.calendar import MarketCalendar
from munshi.infrastructure.brokers.pulse import Pulse
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckGround:
    """All that checks look at. `pulses` ask a broker whether it answers."""

    database: Database
    clock: Clock
    home: Path
    mode: BrokerMode
    config: ConfigService
    calendar: Callable[[], MarketCalendar]
    pulses: Mapping[Service, Callable[[], Pulse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One component and how to find out about it.

    `measure` names the number that `find` judges. What is `critical` is needed to serve: it is
    asked anew whenever somebody wants to know, and its alert is critical.
    """

    component: str
    measure: str
    find: Callable[[CheckGround], Finding]
    timeout_seconds: float = 5.0
    is_critical: bool = False
