"""Figures of a result: money in whole paise, ratios as doubles by empyrical's definitions.

Returns are those of IST days, by the last equity of each, the first against the capital; a year
has 252. A figure that a result cannot have (no trade, no loss, no variation) is None.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.evidence import moments
from munshi.domain.backtest.results import BacktestResult, Trade, TradeEnd

YEAR = 252
Metrics = dict[str, int | float | None]


def metrics_of(result: BacktestResult) -> Metrics:
    """What the tables and commands show of a result."""
    nets = [trade.net for trade in result.trades if trade.end is not TradeEnd.UNPRICED]
    return figures_of(
        nets=nets,
        unpriced=len(result.trades) - len(nets),
        gross=sum(trade.gross for trade in result.trades),
        costs=sum(trade.costs for trade in result.trades),
        slippage=slippage_of(result.trades),
        stranded=stranded_of(result.trades),
        held=sum(1 for position in result.equity.position if position),
        points=len(result.equity),
        returns=daily_returns(result.sizing.capital, daily_equity(result.equity)),
    )


def slippage_of(trades: Sequence[Trade]) -> int:
    """Of all orders of the trades that count."""
    priced = (trade for trade in trades if trade.end is not TradeEnd.UNPRICED)
    return sum(leg.slippage for trade in priced for leg in trade.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """Trades that were entered and found no way out, and the paise that their orders moved."""

    trades: int = 0
    value: int = 0


NOTHING_STRANDED = Stranded()


def stranded_of(trades: Sequence[Trade]) -> Stranded:
    """They count nothing in any other figure, although each of them came to something."""
    found = [trade.legs for trade in trades if trade.end is TradeEnd.UNPRICED and trade.legs]
    return Stranded(trades=len(found), value=sum(abs(leg.cash) for legs in found for leg in legs))


def figures_of(
    *,
    nets: Sequence[int],
    unpriced: int,
    gross: int,
    costs: int,
    slippage: int,
    held: int,
    points: int,
    returns: Sequence[float],
    stranded: Stranded = NOTHING_STRANDED,
) -> Metrics:
    """Of `nets`, one a priced trade, and of a position `held` at so many of the curve's `points`.

    Money is in paise; `returns` are daily.
    """
    shape = moments(returns)
    return {
        "net": sum(nets),
        "gross": gross,
        "costs": costs,
        "slippage": slippage,
        "costs_of_gross": costs_share(costs, gross),
        "trades": len(nets),
        "unpriced": unpriced,
        "stranded": stranded.trades,
        "stranded_value": stranded.value,
        "win_rate": win_rate(nets),
        "expectancy": fmean(nets) if nets else None,
        "profit_factor": profit_factor(nets),
        "exposure": held / points if points else None,
        "cagr": cagr(returns),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "max_drawdown": max_drawdown(returns),
        "max_drawdown_days": drawdown_days(returns),
        "days": len(returns),
        "period_sharpe": shape[0] if shape else None,
        "skew": shape[1] if shape else None,
        "kurtosis": shape[2] if shape else None,
    }


def win_rate(nets: Sequence[int]) -> float | None:
    return sum(1 for net in nets if net > 0) / len(nets) if nets else None


def profit_factor(nets: Sequence[int]) -> float | None:
    """What the winners made by what the losers lost."""
    lost = -sum(net for net in nets if net < 0)
    return sum(net for net in nets if net > 0) / lost if lost else None


def costs_share(costs: int, gross: int) -> float | None:
    return costs / abs(gross) if gross else None


def daily_equity(curve: EquityCurve) -> list[int]:
    return list(curve.by_day().values())


def daily_returns(capital: int, daily: Sequence[int]) -> list[float]:
    """Stops at the first day that leaves nothing: there is no return on nothing."""
    returns: list[float] = []
    before = capital
    for equity in daily:
        if before <= 0:
            break
        returns.append(equity / before - 1)
        before = equity
    return returns


def cagr(returns: Sequence[float]) -> float | None:
    """None also where a few days would come to more in a year than a number can say."""
    if not returns:
        return None
    end = math.prod(1 + each for each in returns)
    try:
        return end ** (YEAR / len(returns)) - 1 if end > 0 else -1.0
    except OverflowError:
        return None


def sharpe(returns: Sequence[float]) -> float | None:
    """Without a risk-free rate."""
    if len(returns) < 2 or not (spread := stdev(returns)):  # noqa: PLR2004
        return None
    return fmean(returns) / spread * math.sqrt(YEAR)


def sortino(returns: Sequence[float]) -> float | None:
    if not returns:
        return None
    downside = math.sqrt(fmean(min(each, 0.0) ** 2 for each in returns))
    return fmean(returns) / downside * math.sqrt(YEAR) if downside else None


def max_drawdown(returns: Sequence[float]) -> float:
    """As a share of the highest equity before it, negative or zero."""
    value = peak = 1.0
    deepest = 0.0
    for each in returns:
        value *= 1 + each
        peak = max(peak, value)
        deepest = min(deepest, value / peak - 1)
    return deepest


def drawdown_days(returns: Sequence[float]) -> int:
    """The most trading days in a row below an earlier peak."""
    value = peak = 1.0
    longest = current = 0
    for each in returns:
        value *= 1 + each
        current = current + 1 if value < peak else 0
        peak, longest = max(peak, value), max(longest, current)
    return longest
