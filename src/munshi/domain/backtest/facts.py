"""What a strategy may be told of its run before the first bar."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from munshi.domain.backtest.engine import Strategy
from munshi.domain.market.calendar import MarketCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """`span` is the length of a bar, `strike_step` the points between listed strikes.

    `memo` may be shared by runs over the same bars, so that each thing is worked out once: nothing
    is kept in it that depends on more than its key and the bars until then.
    """

    span: timedelta
    calendar: MarketCalendar
    strike_step: int = 1
    memo: dict[Any, Any] = field(default_factory=dict)


@runtime_checkable
class WantsFacts(Protocol):
    """A strategy that is told `RunFacts` when it is made."""

    def prepare(self, facts: RunFacts) -> None: ...


def prepared(
    make: Callable[[], Strategy], facts: RunFacts, *, shares: bool = False
) -> Callable[[], Strategy]:
    """As `make`; what it makes has been told the facts, if it wants them.

    Each has a memo of its own unless it `shares` that of the facts.
    """

    def told() -> Strategy:
        strategy = make()
        if isinstance(strategy, WantsFacts):
            strategy.prepare(facts if shares else replace(facts, memo={}))
        return strategy

    return told
