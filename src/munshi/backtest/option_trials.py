"""How a sweep runs its trials, by what the strategy trades."""

from collections.abc import Callable

from munshi.domain.backtest.engine import Engine, Request, Strategy
from munshi.domain.backtest.metrics import daily_equity, daily_returns, metrics_of
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.trials import OptionTrials, TrialFigures

TrialRun = Callable[[Strategy], TrialFigures]


def trials_over(request: Request, engine: Engine) -> TrialRun:
    """What runs a strategy over the bars of `request`; options keep what trials share."""
    if isinstance(request, OptionRequest):
        return OptionTrials(request).run
    return lambda strategy: _whole(request, engine, strategy)


def _whole(request: Request, engine: Engine, strategy: Strategy) -> TrialFigures:
    result = engine.run(request, strategy, progress=lambda _: None)
    return TrialFigures(
        metrics=metrics_of(result),
        returns=tuple(daily_returns(request.sizing.capital, daily_equity(result.equity))),
        result_hash=result.digest().hex(),
        net=result.net,
    )
