"""Many runs of options over the same bars, without an object for each point of the curve."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.metrics import (
    Metrics,
    daily_returns,
    figures_of,
    slippage_of,
    stranded_of,
)
from munshi.domain.backtest.options.engine import Played, play, result_of
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.timeline import Timeline
from munshi.domain.backtest.results import TradeEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFigures:
    """What a sweep keeps of one run; `net` is in paise, `returns` are daily."""

    metrics: Metrics
    returns: tuple[float, ...]
    result_hash: str
    net: int


class OptionTrials:
    """Comes to the figures and the hash that the engine's result has, in less time."""

    def __init__(self, request: OptionRequest) -> None:
        self._request = request

    def run(self, strategy: Strategy) -> TrialFigures:
        """Raises what the engine raises."""
        request, timeline = self._request, self._timeline
        played = play(request, timeline, strategy, progress=lambda _: None)
        trades, cash, positions = played.trades, played.cash, played.positions
        nets = [trade.net for trade in trades if trade.end is not TradeEnd.UNPRICED]
        daily = [cash[place] + positions[place] for place in timeline.day_ends]
        returns = daily_returns(request.sizing.capital, daily)
        metrics = figures_of(
            nets=nets,
            unpriced=len(trades) - len(nets),
            gross=sum(trade.gross for trade in trades),
            costs=sum(trade.costs for trade in trades),
            slippage=slippage_of(trades),
            stranded=stranded_of(trades),
            held=len(positions) - positions.count(0),
            points=len(positions),
            returns=returns,
        )
        return TrialFigures(
            metrics=metrics,
            returns=tuple(returns),
            result_hash=self._hash(played),
            net=sum(nets),
        )

    def _hash(self, played: Played) -> str:
        begin, end = result_of(self._request, played, equity=()).around_equity()
        points = ",".join(
            [
                f'{head}{cash},"position":{position}}}'
                for head, cash, position in zip(
                    self._heads, played.cash, played.positions, strict=True
                )
            ]
        )
        return hashlib.sha256(f"{begin}{points}{end}".encode()).hexdigest()

    @cached_property
    def _timeline(self) -> Timeline:
        return Timeline.of(self._request.bars, self._request.span, self._request.market)

    @cached_property
    def _heads(self) -> Sequence[str]:
        """How each point of the curve begins."""
        return [f'{{"at":"{at.isoformat()}","cash":' for at in self._timeline.instants]
