"""A gate on a test's database, and what tests set and see of its limits."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import API, LIMIT_PREFIX
from munshi.infrastructure.database.engine import Database
from munshi.rate_limits.gate import QuotaGate
from munshi.rate_limits.pools import KeptUntil, PoolBook
from munshi.settings import BrokerMode

_TESTER = Actor(user_id="tester")


def nothing_kept(_: date) -> datetime | None:
    return None


def open_gate(
    database: Database, clock: Clock, *, kept_until: KeptUntil = nothing_kept
) -> QuotaGate:
    mode = BrokerMode.SIMULATED
    pools = PoolBook(database, clock, mode=mode, kept_until=kept_until)
    return QuotaGate(database, clock, mode=mode, pools=pools)


def set_limit(database: Database, clock: Clock, name: str, value: Any) -> None:  # noqa: ANN401
    """As `munshi config set api limit.NAME`."""
    ConfigService(database, clock).set(API, LIMIT_PREFIX + name, value, actor=_TESTER)


def set_api(database: Database, clock: Clock, values: Mapping[str, object]) -> None:
    ConfigService(database, clock).set_several(API, values, actor=_TESTER)


def smallest_span(arrivals: list[float], *, of: int) -> float:
    """The shortest time in which `of` successive arrivals fell."""
    spans = [late - early for early, late in zip(arrivals, arrivals[of - 1 :], strict=False)]
    return min(spans, default=float("inf"))
