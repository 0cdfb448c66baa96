"""All figures of a result together: with intervals, and after the trials that were made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import variance

from munshi.domain.backtest.bootstrap import intervals
from munshi.domain.backtest.evidence import deflated_sharpe, luck_threshold
from munshi.domain.backtest.metrics import Metrics, daily_equity, daily_returns, metrics_of
from munshi.domain.backtest.results import BacktestResult, TradeEnd

Figures = Mapping[str, int | float | None]
_SEED_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`threshold` is the daily Sharpe ratio that luck alone is expected to reach.

    `deflated_sharpe` is the probability that the true ratio is above it; None where the result
    cannot tell, such as with no variation.
    """

    trials: int
    threshold: float
    deflated_sharpe: float | None


def measured(result: BacktestResult, result_hash: str) -> Metrics:
    """The figures of `metrics_of`, and their 90 % intervals as `NAME_low` and `NAME_high`.

    `bootstrap_seed` follows from the result's hash, so that the same result has the same intervals.
    """
    seed = int(result_hash[:_SEED_DIGITS], 16)
    returns = daily_returns(result.sizing.capital, daily_equity(result.equity))
    nets = [trade.net for trade in result.trades if trade.end is not TradeEnd.UNPRICED]
    figures = metrics_of(result)
    for name, interval in intervals(returns, nets, seed=seed).items():
        figures[f"{name}_low"], figures[f"{name}_high"] = interval or (None, None)
    return {**figures, "bootstrap_seed": seed}


def evidence_of(shown: Sequence[Figures], tried: Iterable[Figures]) -> list[Evidence]:
    """Of each result; `tried` holds the figures of every trial, theirs among them."""
    sharpes = [value for each in tried if (value := each.get("period_sharpe")) is not None]
    trials = max(len(sharpes), 1)
    threshold = luck_threshold(trials, variance(sharpes)) if trials > 1 else 0.0
    return [
        Evidence(trials=trials, threshold=threshold, deflated_sharpe=_deflated(each, threshold))
        for each in shown
    ]


def _deflated(figures: Figures, threshold: float) -> float | None:
    sharpe, skew, kurtosis = (figures.get(n) for n in ("period_sharpe", "skew", "kurtosis"))
    if sharpe is None or skew is None or kurtosis is None:
        return None
    return deflated_sharpe(
        sharpe,
        observations=int(figures.get("days") or 0),
        skew=skew,
        kurtosis=kurtosis,
        threshold=threshold,
    )
