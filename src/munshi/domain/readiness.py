"""Whether the desk is ready for the open, and what is missing: in one line, for all who ask."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from munshi.clock import IST
from munshi.domain.alerts import BROKER_LOGIN_KIND, HEALTH_KIND, Alert, AlertState, Severity
from munshi.domain.market.market_state import MarketPhase, MarketState

# What a trading day needs of the desk, beside sign-ins and workers, which are judged apart.
_NEEDED: Mapping[str, str] = MappingProxyType(
    {
        "database": "a database in order",
        "disk": "room on the disk",
        "scheduler": "a scheduler that keeps up",
        "backlog": "jobs that get their turn",
        "clock": "a clock that is right",
        "kite_broker": "an answer from Kite",
        "breeze_broker": "an answer from Breeze",
        "kite_circuit": "calls to Kite that succeed",
        "breeze_circuit": "calls to Breeze that succeed",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLook:
    """A broker as far as readiness goes. One without credentials is not expected to be ready."""

    name: str
    is_set_up: bool
    is_good: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`line` is a sentence; `missing` is what it names, empty when all is in place."""

    is_ready: bool
    line: str
    missing: tuple[str, ...]


def judge(
    market: MarketState,
    brokers: Sequence[BrokerLook],
    *,
    workers: int,
    failing: Collection[str],
    alerts: Sequence[Alert],
) -> Verdict:
    """`workers` are alive, `failing` are components of health, `alerts` the open ones."""
    missing = [
        *_brokers(brokers, market),
        *(words for component, words in _NEEDED.items() if component in failing),
        *(f'an end to "{alert.title.rstrip(".")}"' for alert in alerts if _is_in_the_way(alert)),
    ]
    if not workers:
        missing.append("a worker that runs jobs")
    if market.phase is MarketPhase.UNKNOWN:
        missing.append("the market calendar of this year")
    is_ready = not missing
    return Verdict(is_ready=is_ready, line=_line(market, missing), missing=tuple(missing))


def _brokers(brokers: Sequence[BrokerLook], market: MarketState) -> list[str]:
    expected = [broker for broker in brokers if broker.is_set_up]
    if not expected:
        return ["a broker to sign in to"]
    found = []
    for broker in expected:
        if not broker.is_good:
            found.append(f"the {broker.name} sign-in")
        elif _ends_early(broker, market):
            ends = broker.expires_at.astimezone(IST) if broker.expires_at else None
            found.append(f"a {broker.name} sign-in that lasts (this one ends {ends:%d %b %H:%M})")
    return found


def _is_in_the_way(alert: Alert) -> bool:
    """Critical, and about neither a sign-in nor a component: those are judged as they are now."""
    is_told_apart = (
        alert.source == "health"
        or alert.kind == HEALTH_KIND
        or alert.fingerprint.startswith(f"{BROKER_LOGIN_KIND}:")
    )
    is_grave = alert.state == AlertState.FIRING and alert.severity is Severity.CRITICAL
    return is_grave and not is_told_apart


def _ends_early(broker: BrokerLook, market: MarketState) -> bool:
    """Whether the login dies before the market has opened for it."""
    return (
        market.phase is not MarketPhase.OPEN
        and broker.expires_at is not None
        and market.opens is not None
        and broker.expires_at <= market.opens
    )


def _line(market: MarketState, missing: Sequence[str]) -> str:
    words = _listed(missing)
    if market.phase is MarketPhase.OPEN:
        return (
            f"The market is open, and this is missing: {words}."
            if missing
            else "The market is open and all is in place."
        )
    at = f" on {market.opens.astimezone(IST):%a %d %b, %H:%M} IST" if market.opens else ""
    if missing:
        return f"Not ready for the open{at}. Missing: {words}."
    return f"Ready for the open{at}."


def _listed(words: Sequence[str]) -> str:
    *most, last = words or ("nothing",)
    return f"{', '.join(most)} and {last}" if most else last
