"""What a strategy may be told of its run before the first bar."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, runtime_checkable

from munshi.domain.backtest.engine import Strategy
from munshi.domain.market.calendar import MarketCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """`span` is the length of a bar, `strike_step` the points between listed strikes.

    `memo` is shared by runs over the same bars, so that each thing is worked out once: nothing
    may be kept in it that depends on more than its key and the bars until then.
    """

    span: timedelta
    calendar: MarketCalendar
    strike_step: int = 1
    memo: dict[Hashable, object] = field(default_factory=dict)


@runtime_checkable
class WantsFacts(Protocol):
    """A strategy that is told `RunFacts` when it is made."""

    def prepare(self, facts: RunFacts) -> None: ...


def prepared(make: Callable[[], Strategy], facts: RunFacts) -> Callable[[], Strategy]:
    """As `make`; what it makes has been told the facts, if it wants them."""

    def told() -> Strategy:
        strategy = make()
        if isinstance(strategy, WantsFacts):
            strategy.prepare(facts)
        return strategy

    return told
