"""What a strategy of the user's own is refused for once it has run; nothing is stored then."""

from collections.abc import Sequence

from munshi.backtest.own_strategies import FoundStrategy
from munshi.domain.backtest.audit import Recorded, find_change, find_peek
from munshi.domain.backtest.engine import Decision, Request, Strategy
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.market.candle_columns import CandleColumns
from munshi.errors import StrategyFailedError, StrategyPeeksError


class WatchedRun:
    """One run of `found`, as `name`: its `strategy` is run, and then `check` is asked.

    One that came with Munshi is not looked at.
    """

    def __init__(self, name: str, request: Request, found: FoundStrategy) -> None:
        self._name, self._request, self._found = name, request, found
        self.strategy: Strategy = found.make()
        self._recorded: Recorded | None = None
        if found.source is not None:
            self._before = fingerprint_of(request.bars)
            self.strategy = self._recorded = Recorded(self.strategy)

    def check(self) -> None:
        """Raise StrategyFailedError or StrategyPeeksError."""
        if self._recorded is None:
            return
        bars = self._request.bars
        is_untouched = not isinstance(bars, CandleColumns) or bars.is_untouched()
        if not is_untouched or fingerprint_of(bars) != self._before:
            raise StrategyFailedError(
                f"{self._name} changed the bars that it was shown.",
                hint="Nothing was stored. Copy what is to be changed.",
            )
        decided = self._recorded.decided
        self._refuse_change(decided)
        refuse_peek(self._name, self._request, self._found, decided)

    def _refuse_change(self, decided: Sequence[Decision | None]) -> None:
        if (what := find_change(self._request, self._found.make, decided)) is not None:
            raise StrategyFailedError(
                f"{self._name} is another when it is run again on the same bars: {what}.",
                hint="Nothing was stored. Keep nothing between runs, and draw from a fixed seed.",
            )


def refuse_peek(
    name: str,
    request: Request,
    found: FoundStrategy,
    decided: Sequence[Decision | None] = (),
) -> None:
    """Raise StrategyPeeksError for a strategy of the user's own that decides by later bars.

    `decided` is what it decided on the bars themselves, if that is known.
    """
    if found.source is not None and (peek := find_peek(request, found.make, decided)) is not None:
        raise StrategyPeeksError(
            f"{name} looks into the future: with nothing after {peek.last_day}, "
            f"{peek.what[0].lower()}{peek.what[1:]}",
            hint="Nothing was stored. Decide by the bars you are given, and no others.",
        )
