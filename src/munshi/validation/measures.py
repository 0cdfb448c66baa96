"""Scores of probabilities, and of blocks of neighbours that are drawn again.

Every score is a sum over samples with weights, so that one pass works out all redraws: weights
of one are the score itself, counts of a redraw its score. A score that a draw cannot have is NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munshi.domain.validation.curves import BINS

Floats = NDArray[np.float64]
Weights = NDArray[np.float32]  # of counts, which it holds exactly
Table = dict[str, Floats]
DRAWS = 2000
_AT_ONCE = 250
_SURE = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Samples in order: did it win (0 or 1), what did it make, and how probable was a win."""

    y: Floats
    net: Floats
    p: Floats

    def among(self, kept: NDArray[np.bool_]) -> "Judged":
        return Judged(y=self.y[kept], net=self.net[kept], p=self.p[kept])

    def taken(self, threshold: float) -> int:
        return int((self.p >= threshold).sum())


def draw_weights(count: int, *, block: int, seed: int, draws: int = DRAWS) -> Weights:
    """(draws, count): how often each sample is in each redraw of blocks, which wrap around."""
    random = np.random.default_rng(seed)
    blocks = -(-count // block)
    starts = random.integers(0, count, size=(draws, blocks, 1))
    weights = np.empty((draws, count), dtype=np.float32)
    for row in range(draws):
        places = ((starts[row] + np.arange(block)) % count).ravel()[:count]
        weights[row] = np.bincount(places, minlength=count)
    return weights


def score(judged: Judged, *, threshold: float) -> dict[str, float | None]:
    """Every score by its name."""
    found = _scores(judged, np.ones((1, len(judged.y))), threshold)
    return {name: _plain(values[0]) for name, values in found.items()}


def score_draws(judged: Judged, weights: Weights, *, threshold: float) -> Table:
    """Every score of every redraw."""
    parts = [
        _scores(judged, weights[first : first + _AT_ONCE].astype(float), threshold)
        for first in range(0, len(weights), _AT_ONCE)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def roc_auc(y: Floats, p: Floats) -> float | None:
    """The area under the ROC curve, ties counted half; None for one class."""
    return _plain(_areas(y, p, np.ones((1, len(y))))[0][0])


def _scores(judged: Judged, weights: Floats, threshold: float) -> Table:
    y, p, net = judged.y, judged.p, judged.net
    taken = (p >= threshold).astype(float)
    count = weights.sum(axis=1)
    tp, fp = weights @ (taken * y), weights @ (taken * (1 - y))
    fn, tn = weights @ ((1 - taken) * y), weights @ ((1 - taken) * (1 - y))
    sure = np.clip(p, _SURE, 1 - _SURE)
    surprise = -(y * np.log(sure) + (1 - y) * np.log(1 - sure))
    roc, precision_recall = _areas(y, p, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "accuracy": (tp + tn) / count,
            "precision": tp / (tp + fp),
            "recall": tp / (tp + fn),
            "f1": 2 * tp / (2 * tp + fp + fn),
            "roc_auc": roc,
            "pr_auc": precision_recall,
            "brier": weights @ (p - y) ** 2 / count,
            "log_loss": weights @ surprise / count,
            "calibration_error": _calibration(y, p, weights) / count,
            "expectancy": weights @ (net * taken) / (tp + fp),
        }


def _areas(y: Floats, p: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Under the ROC curve and under precision against recall (average precision)."""
    order = np.argsort(-p, kind="stable")
    ordered = p[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    won = np.add.reduceat(weights[:, order] * y[order], starts, axis=1)
    lost = np.add.reduceat(weights[:, order] * (1 - y[order]), starts, axis=1)
    all_won, all_lost = won.sum(axis=1), lost.sum(axis=1)
    above_won, above_lost = won.cumsum(axis=1), lost.cumsum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = all_lost[:, None] - above_lost
        roc = (won * (below + lost / 2)).sum(axis=1) / (all_won * all_lost)
        precision = np.nan_to_num(above_won / (above_won + above_lost))
        return roc, (won * precision).sum(axis=1) / all_won


def _calibration(y: Floats, p: Floats, weights: Floats) -> Floats:
    """Of ten bins of one width, the distances of mean and share, weighed by their counts."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    total = np.zeros(len(weights))
    for number in np.unique(bins):
        inside = bins == number
        total += np.abs(weights[:, inside] @ (p[inside] - y[inside]))
    return total


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
