"""What a validation comes to in words, and how sure it must be for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

CONFIDENCE = 0.95
LEAST_TESTED = 60
LEAST_TESTED_OF_A_CLASS = 20
# An area under the curve that would be worth having; only what rules it out is "no edge".
WORTHWHILE_AUC = 0.65
_SHARE_OF_PATHS = 0.75
_CHANCE = 0.5


class Verdict(StrEnum):
    """An edge that does not pay sorts trades rightly, and those it takes lose all the same."""

    EDGE = "edge"
    DOES_NOT_PAY = "edge that does not pay"
    NO_EDGE = "no edge"
    NOT_ENOUGH_EVIDENCE = "not enough evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is judged: out-of-sample counts, the headline AUC with its interval and deviation.

    `paths` are the areas under the curve of the purged paths, `trials` how many validations of
    the like were run, this one included, `expectancy` the paise a taken trade made.
    """

    tested: int
    won: int
    auc: float | None
    low: float | None
    high: float | None
    deviation: float | None
    paths: Sequence[float]
    trials: int
    expectancy: float | None


def judge(found: Evidence) -> tuple[Verdict, str]:
    """The verdict and its reason in one sentence."""
    lesser = min(found.won, found.tested - found.won)
    if found.tested < LEAST_TESTED or lesser < LEAST_TESTED_OF_A_CLASS:
        return Verdict.NOT_ENOUGH_EVIDENCE, (
            f"{found.tested} trades were judged, the lesser class with {lesser}; the least is "
            f"{LEAST_TESTED} with {LEAST_TESTED_OF_A_CLASS}."
        )
    if found.auc is None or found.low is None or found.high is None or found.deviation is None:
        return Verdict.NOT_ENOUGH_EVIDENCE, "The area under the curve could not be measured."
    spread = f"AUC {found.auc:.3f}, {found.low:.3f} to {found.high:.3f}"
    bar = found.auc - quantile_of_trials(found.trials) * found.deviation
    if min(bar, found.low) > _CHANCE:
        return _with_edge(found, spread)
    if found.high > WORTHWHILE_AUC:
        return Verdict.NOT_ENOUGH_EVIDENCE, (
            f"{spread}: neither chance (0.5) nor an edge worth having ({WORTHWHILE_AUC}) is ruled "
            "out."
        )
    why = f"chance (0.5) is in it, {WORTHWHILE_AUC} is not."
    if found.low > _CHANCE:
        why = f"above chance alone, but not as the best of {found.trials} tries."
    elif found.high < _CHANCE:
        why = "worse than chance (0.5) would do."
    return Verdict.NO_EDGE, f"{spread}: {why}"


def quantile_of_trials(trials: int) -> float:
    """How many deviations above chance, for the best of `trials` tries to be no luck."""
    return NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / max(trials, 1))


def block_length(tested: int, *, open_at_once: int) -> int:
    """Neighbours that are drawn together: twice what one label overlaps, and n^(1/3) at least."""
    least = round(math.cbrt(tested))
    return min(max(least, 2 * open_at_once, 1), max(tested // 4, 1))


def _with_edge(found: Evidence, spread: str) -> tuple[Verdict, str]:
    above = sum(1 for path in found.paths if path > _CHANCE)
    if found.paths and above < _SHARE_OF_PATHS * len(found.paths):
        return Verdict.NO_EDGE, (
            f"{spread}, but only {above} of {len(found.paths)} purged paths are above chance: it "
            "hangs on one stretch of time."
        )
    if found.expectancy is None or found.expectancy <= 0:
        return Verdict.DOES_NOT_PAY, f"{spread}, and the trades taken do not make money."
    return Verdict.EDGE, f"{spread}, chance (0.5) ruled out after {found.trials} tries."
