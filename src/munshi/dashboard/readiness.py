"""The one line at the top of Today: whether the desk is ready, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import IST
from munshi.domain.market.market_state import MarketPhase, MarketState


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
    broken: Sequence[str],
) -> Verdict:
    """`workers` are alive; `broken` are parts of the desk that fail, in words."""
    missing = [*_brokers(brokers, market), *broken]
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
