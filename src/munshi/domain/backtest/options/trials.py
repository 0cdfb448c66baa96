"""Many runs of options over the same bars, without an object for each point of the curve."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.equity import EquityCurve
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
        begin, end = result_of(self._request, played, equity=EquityCurve()).around_equity()
        points: list[str] = []
        number = 0
        for cash, bars in played.cash_runs:
            points.append(self._points(number, played.positions[number : number + bars], cash))
            number += bars
        return hashlib.sha256(f"{begin}{','.join(points)}{end}".encode()).hexdigest()

    def _points(self, first: int, positions: Sequence[int], cash: int) -> str:
        """The points of the curve from the bar `first` on, as JSON, while the cash is the same."""
        heads = self._heads[first : first + len(positions)]
        if not any(positions):
            tail = f'{cash},"position":0}}'
            return f"{tail},".join(heads) + tail
        pieces = [f'{cash},"position":', "},"] * (2 * len(heads))
        pieces[0::4] = heads
        pieces[1::4] = [f'{cash},"position":'] * len(heads)
        pieces[2::4] = map(str, positions)
        return "".join(pieces)[:-1]

    @cached_property
    def _timeline(self) -> Timeline:
        return Timeline.of(self._request.bars, self._request.span, self._request.market)

    @cached_property
    def _heads(self) -> Sequence[str]:
        """How each point of the curve begins."""
        return [f'{{"at":"{at.isoformat()}","cash":' for at in self._timeline.instants]
