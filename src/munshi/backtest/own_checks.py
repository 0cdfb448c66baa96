"""What a strategy of the user's own is refused for once it has run; nothing is stored then."""

from collections.abc import Sequence

from munshi.backtest.own_strategies import FoundStrategy
from munshi.domain.backtest.audit import find_change, find_peek
from munshi.domain.backtest.engine import Decision, Request
from munshi.errors import StrategyFailedError, StrategyPeeksError


def refuse_changed_bars(name: str, *, is_same: bool) -> None:
    """Raise StrategyFailedError unless the bars are the same as before the run."""
    if not is_same:
        raise StrategyFailedError(
            f"{name} changed the bars that it was shown.",
            hint="Nothing was stored. Copy what is to be changed.",
        )


def refuse_change(
    name: str, request: Request, found: FoundStrategy, decided: Sequence[Decision | None]
) -> None:
    """Raise StrategyFailedError for one that decides otherwise when the same is run again.

    `decided` is what it decided in the run.
    """
    if (what := find_change(request, found.make, decided)) is not None:
        raise StrategyFailedError(
            f"{name} is another when it is run again on the same bars: {what}.",
            hint="Nothing was stored. Keep nothing between runs, and draw from a fixed seed.",
        )


def refuse_peek(name: str, request: Request, found: FoundStrategy) -> None:
    """Raise StrategyPeeksError for a strategy of the user's own that decides by later bars."""
    if found.source is not None and (peek := find_peek(request, found.make)) is not None:
        raise StrategyPeeksError(
            f"{name} looks into the future: with nothing after {peek.last_day}, "
            f"{peek.what[0].lower()}{peek.what[1:]}",
            hint="Nothing was stored. Decide by the bars you are given, and no others.",
        )
