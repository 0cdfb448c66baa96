"""Intervals by drawing blocks of days, and trades, again and again from a seed."""

import math
from collections.abc import Callable, Sequence
from random import Random

from munshi.domain.backtest.metrics import YEAR, cagr, max_drawdown

DRAWS = 400
_SHARE = 0.90
Interval = tuple[float, float]


def intervals(
    returns: Sequence[float], nets: Sequence[int], *, seed: int, draws: int = DRAWS
) -> dict[str, Interval | None]:
    """90 % intervals of `sharpe`, `cagr` and `max_drawdown` by days, of `expectancy` by trades.

    Days are drawn in circular blocks of about the cube root of their number, because days that
    follow each other are alike. None where there is too little to draw from.
    """
    random = Random(seed)  # noqa: S311 - chance for statistics, and the same again by its seed
    length = max(1, round(len(returns) ** (1 / 3)))
    figures: dict[str, Callable[[Sequence[float]], float | None]] = {
        "sharpe": _sharpe,
        "cagr": cagr,
        "max_drawdown": max_drawdown,
    }
    found: dict[str, list[float]] = {name: [] for name in (*figures, "expectancy")}
    for _ in range(draws if len(returns) > length else 0):
        drawn = _blocks(returns, length, random)
        for name, figure in figures.items():
            if (value := figure(drawn)) is not None:
                found[name].append(value)
    for _ in range(draws if len(nets) > 1 else 0):
        found["expectancy"].append(sum(random.choices(nets, k=len(nets))) / len(nets))
    return {name: _interval(values) for name, values in found.items()}


def _blocks(returns: Sequence[float], length: int, random: Random) -> list[float]:
    twice = [*returns, *returns[:length]]
    drawn: list[float] = []
    while len(drawn) < len(returns):
        begin = random.randrange(len(returns))
        drawn += twice[begin : begin + length]
    return drawn[: len(returns)]


def _sharpe(returns: Sequence[float]) -> float | None:
    """As `metrics.sharpe`, without its exact fractions: hundreds of draws need not be exact."""
    count = len(returns)
    mean = math.fsum(returns) / count
    variance = math.fsum((each - mean) ** 2 for each in returns) / (count - 1)
    return mean / math.sqrt(variance) * math.sqrt(YEAR) if variance > 0 else None


def _interval(values: list[float]) -> Interval | None:
    if not values:
        return None
    values.sort()
    cut = int(len(values) * (1 - _SHARE) / 2)
    return values[cut], values[-1 - cut]
