"""What is drawn of out-of-sample probabilities: reliability bins, precision against recall."""

from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Probabilities from `low` to below `high`: how many, their mean, and what share came true."""

    low: float
    high: float
    count: int
    mean: float | None
    share: float | None


def reliability(probabilities: Sequence[float], labels: Sequence[bool]) -> list[Bin]:
    """Ten bins of one width; 1 is in the last."""
    found = []
    for number in range(BINS):
        inside = [
            (p, label)
            for p, label in zip(probabilities, labels, strict=True)
            if bin_of(p) == number
        ]
        count = len(inside)
        found.append(
            Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                count=count,
                mean=sum(p for p, _ in inside) / count if count else None,
                share=sum(label for _, label in inside) / count if count else None,
            )
        )
    return found


def bin_of(probability: float) -> int:
    return min(int(probability * BINS), BINS - 1)


def precision_recall(
    probabilities: Sequence[float], labels: Sequence[bool]
) -> list[tuple[float, float]]:
    """(recall, precision) as the threshold falls, a point for each probability there is."""
    wins = sum(labels)
    if not wins:
        return []
    points: list[tuple[float, float]] = []
    taken = right = 0
    ordered = sorted(zip(probabilities, labels, strict=True), reverse=True)
    for place, (p, label) in enumerate(ordered):
        taken, right = taken + 1, right + label
        if place + 1 == len(ordered) or ordered[place + 1][0] != p:
            points.append((right / wins, right / taken))
    return points
