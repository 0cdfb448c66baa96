"""Intervals of scores from redrawn blocks, wide enough for how few blocks there are.

Quantiles of the redraws alone are too narrow: blocks are few, and what lasts longer than a label
overlaps was cut apart. So blocks are as long as the losses hang together, and the deviation of the
redraws is taken times Student's t (docs/benchmarks.md says how often the truth is inside).
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import stdtrit

from munshi.domain.validation.runs import Interval, Scores
from munshi.domain.validation.verdicts import CONFIDENCE, LEAST_TAKEN
from munshi.validation.measures import Floats, Judged, Table

_LEAST_DRAWN = 0.9
# A redraw has new noise in every bin, and counts it as error: its intervals lie above the truth.
_NEVER = frozenset({"calibration_error"})
_OF_TAKEN = frozenset({"precision", "expectancy"})
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "expectancy": (-math.inf, math.inf),
    "log_loss": (0.0, math.inf),
}
_SHARE = (0.0, 1.0)
_FEWEST_LAGS = 5


def lasting(judged: Judged, *, threshold: float) -> float:
    """Over how many neighbours what the scores are made of hangs together, beyond overlap.

    The block length of Politis and White (2004, corrected 2009), the longest of three series:
    the rank errors behind the AUC, the squared errors, and the money of the trades taken.
    """
    taken = judged.p >= threshold
    series = (_rank_errors(judged), (judged.p - judged.y) ** 2, judged.net * taken)
    return max(map(_best_block, series))


def stretch(blocks: float, *, trials: int = 1) -> float:
    """How many deviations of the redraws to go to each side, for the best of `trials` tries."""
    tail = (1 - CONFIDENCE) / 2 / max(trials, 1)
    freedom = max(blocks - 1, 1.0)
    return float(-stdtrit(freedom, tail)) * math.sqrt((freedom + 1) / freedom)


def interval(
    values: Floats,
    *,
    around: float | None,
    blocks: float,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Interval | None:
    """About a score whose redraws are `values`; None without it, or where a tenth has none."""
    spread = deviation(values)
    if around is None or spread is None:
        return None
    reach = stretch(blocks) * spread
    return Interval(low=max(around - reach, bounds[0]), high=min(around + reach, bounds[1]))


def score_intervals(
    scores: Scores, draws: Table, *, taken: int, blocks: float
) -> dict[str, Interval | None]:
    """Of each score; None for those that cannot have one that means anything."""
    return {
        name: None
        if _has_none(name, taken)
        else interval(draws[name], around=value, blocks=blocks, bounds=_BOUNDS.get(name, _SHARE))
        for name, value in scores.items()
    }


def differences(
    ours: Scores, theirs: Scores, *, draws: tuple[Table, Table], taken: int, blocks: float
) -> dict[str, object]:
    """By how much our scores are above theirs on the same samples, with the interval."""
    found: dict[str, object] = {}
    for name, mine in ours.items():
        other = theirs.get(name)
        if mine is None or other is None:
            continue
        widest = 1.0 if name not in _BOUNDS else math.inf
        between = interval(
            draws[0][name] - draws[1][name],
            around=mine - other,
            blocks=blocks,
            bounds=(-widest, widest),
        )
        known = between is not None and not _has_none(name, taken)
        found[name] = {
            "difference": mine - other,
            "low": between.low if between and known else None,
            "high": between.high if between and known else None,
        }
    return found


def deviation(values: Floats) -> float | None:
    """Of the redraws; None where more than a tenth of them cannot have the score."""
    known = values[np.isfinite(values)]
    return float(known.std()) if len(known) >= _LEAST_DRAWN * len(values) else None


def independent_trades(nets: Floats, draws: Floats) -> int:
    """How many trades without overlap would tell the mean of `nets` as surely as these do."""
    spread = deviation(draws)
    if spread is None or spread == 0 or len(nets) < LEAST_TAKEN:
        return len(nets)
    return max(min(round(float(nets.var()) / spread**2), len(nets)), 2)


def _has_none(name: str, taken: int) -> bool:
    return name in _NEVER or (name in _OF_TAKEN and taken < LEAST_TAKEN)


def _rank_errors(judged: Judged) -> Floats:
    """What each sample adds to the error of the AUC."""
    won = judged.y > 0
    if won.all() or not won.any():
        return np.zeros(len(won))
    above_lost = _share_below(judged.p[~won], judged.p)
    above_won = _share_below(judged.p[won], judged.p)
    area = above_lost[won].mean()
    errors: Floats = np.where(
        won, (above_lost - area) / won.mean(), (1 - above_won - area) / (1 - won.mean())
    )
    return errors


def _share_below(some: Floats, values: Floats) -> Floats:
    ordered = np.sort(some)
    places = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    shares: Floats = places / 2 / len(ordered)
    return shares


def _best_block(series: Floats) -> float:
    count = len(series)
    off = series - series.mean()
    if not off.any():
        return 1.0
    longest = min(count - 1, math.ceil(math.sqrt(count)) + 10)
    covariances = np.array([off[: count - lag] @ off[lag:] / count for lag in range(longest + 1)])
    lags = np.arange(1, min(2 * _last_that_counts(covariances, count), longest) + 1)
    taper = np.minimum(1.0, 2 * (1 - lags / lags[-1]))  # flat, then falling to nothing
    weighed = taper * covariances[lags]
    long_run = covariances[0] + 2 * weighed.sum()
    if long_run <= 0:
        return 1.0
    slope = 2 * (weighed * lags).sum()
    return float((1.5 * (slope / long_run) ** 2 * count) ** (1 / 3))


def _last_that_counts(covariances: Floats, count: int) -> int:
    """The lag after which a row of correlations is no more than chance would leave."""
    chance = 2 * math.sqrt(math.log10(count) / count)
    large = np.abs(covariances / covariances[0]) >= chance
    row = max(_FEWEST_LAGS, math.ceil(math.sqrt(math.log10(count))))
    for lag in range(len(large) - row):
        if not large[lag + 1 : lag + 1 + row].any():
            return max(lag, 1)
    return max(int(np.flatnonzero(large)[-1]), 1)
