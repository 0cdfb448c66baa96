"""How much a Sharpe ratio is worth after as many trials as were made, and chance in general.

Deflated Sharpe ratio: Bailey and López de Prado, 2014. Probability of backtest overfitting by
combinatorially symmetric cross-validation: Bailey, Borwein, López de Prado and Zhu, 2015. Sharpe
ratios are those of one period here, not of a year.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist, fmean

_EULER = 0.5772156649015329
_NORMAL = NormalDist()
BLOCKS = 10


def moments(returns: Sequence[float]) -> tuple[float, float, float] | None:
    """Sharpe ratio of one period, skew and kurtosis (3 is normal); None without variation."""
    if len(returns) < 2:  # noqa: PLR2004
        return None
    mean = fmean(returns)
    second = fmean((each - mean) ** 2 for each in returns)
    if second <= 0:
        return None
    third = fmean((each - mean) ** 3 for each in returns)
    fourth = fmean((each - mean) ** 4 for each in returns)
    count = len(returns)
    sharpe = mean / math.sqrt(second * count / (count - 1))
    return sharpe, third / second**1.5, fourth / second**2


def luck_threshold(trials: int, variance: float) -> float:
    """The best Sharpe ratio to expect of `trials` without any skill.

    `variance` is that of the trials' ratios.
    """
    if trials < 2:  # noqa: PLR2004
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials)
    second = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - _EULER) * first + _EULER * second)


def deflated_sharpe(
    sharpe: float, *, observations: int, skew: float, kurtosis: float, threshold: float
) -> float | None:
    """The probability that the true ratio is above `threshold`; None where it cannot be told."""
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if observations < 2 or spread <= 0:  # noqa: PLR2004
        return None
    return _NORMAL.cdf((sharpe - threshold) * math.sqrt(observations - 1) / math.sqrt(spread))


def deflated_sharpe_of_trades(
    nets: Sequence[float], *, trials: int, independent: int | None = None
) -> float | None:
    """The probability that trades are better than the best of `trials` without any skill.

    A trade is one period; of trades that overlap only as many count as are `independent`. What
    the other trials made is not known, so their ratios are taken to vary as those of as many
    trades without skill do, by 1/(trades - 1). None where it cannot be told.
    """
    found = moments(nets)
    count = len(nets) if independent is None else independent
    if found is None or count < 2:  # noqa: PLR2004
        return None
    sharpe, skew, kurtosis = found
    return deflated_sharpe(
        sharpe,
        observations=count,
        skew=skew,
        kurtosis=kurtosis,
        threshold=luck_threshold(trials, 1 / (count - 1)),
    )


def overfitting_probability(
    trials: Sequence[Sequence[float]], *, blocks: int = BLOCKS
) -> float | None:
    """How often the best trial of one half of the days is in the lower half on the other days.

    `trials` holds the returns of each trial on the same days. None with fewer than two trials, or
    fewer than two days a block.
    """
    days = min(map(len, trials), default=0)
    size = days // blocks
    if len(trials) < 2 or size < 2:  # noqa: PLR2004
        return None
    sums = [_block_sums(each, blocks=blocks, size=size) for each in trials]
    overfit = made = 0
    everything = frozenset(range(blocks))
    for chosen in combinations(range(blocks), blocks // 2):
        other = tuple(everything.difference(chosen))
        inside = [_ratio(each, chosen, size) for each in sums]
        outside = [_ratio(each, other, size) for each in sums]
        best = outside[max(range(len(inside)), key=inside.__getitem__)]
        rank = (
            sum(each < best for each in outside) + (sum(each == best for each in outside) + 1) / 2
        )
        overfit += rank * 2 <= len(trials) + 1
        made += 1
    return overfit / made


_Sums = tuple[list[float], list[float]]


def _block_sums(returns: Sequence[float], *, blocks: int, size: int) -> _Sums:
    parts = [returns[number * size : (number + 1) * size] for number in range(blocks)]
    return [sum(part) for part in parts], [sum(each * each for each in part) for part in parts]


def _ratio(sums: _Sums, chosen: Sequence[int], size: int) -> float:
    count = size * len(chosen)
    mean = sum(sums[0][each] for each in chosen) / count
    variance = sum(sums[1][each] for each in chosen) / count - mean * mean
    # Doubles leave a crumb where nothing varies.
    return mean / math.sqrt(variance) if variance > 1e-18 else 0.0  # noqa: PLR2004
