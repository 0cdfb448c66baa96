"""What a validation comes to in words, and how sure it must be for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

CONFIDENCE = 0.95
LEAST_TESTED = 60
LEAST_TESTED_OF_A_CLASS = 20
LEAST_TAKEN = 20
# An area under the curve that would be worth having; only what rules it out is "no edge".
WORTHWHILE_AUC = 0.65
_SHARE_OF_PATHS = 0.75
_CHANCE = 0.5
_FEWEST_BLOCKS = 6


class Verdict(StrEnum):
    """An edge that does not pay sorts trades rightly, and those it takes lose all the same.

    Of one that may not pay, what those taken made could be luck.
    """

    EDGE = "edge"
    MAY_NOT_PAY = "edge that may not pay"
    DOES_NOT_PAY = "edge that does not pay"
    NO_EDGE = "no edge"
    NOT_ENOUGH_EVIDENCE = "not enough evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is judged: out-of-sample counts, and the headline AUC with its interval.

    `bar` is the interval's low end for the best of `trials` validations of the like, this one
    included; `paths` are the areas under the curve of the purged paths; `expectancy` is the paise
    a taken trade made, `least_expected` the low end of its interval.
    """

    tested: int
    won: int
    auc: float | None
    low: float | None
    high: float | None
    bar: float | None
    paths: Sequence[float]
    trials: int
    taken: int
    expectancy: float | None
    least_expected: float | None


def judge(found: Evidence) -> tuple[Verdict, str]:
    """The verdict and its reason in one sentence."""
    lesser = min(found.won, found.tested - found.won)
    if found.tested < LEAST_TESTED or lesser < LEAST_TESTED_OF_A_CLASS:
        return Verdict.NOT_ENOUGH_EVIDENCE, (
            f"{found.tested} trades were judged, the lesser class with {lesser}; the least is "
            f"{LEAST_TESTED} with {LEAST_TESTED_OF_A_CLASS}."
        )
    if found.auc is None or found.low is None or found.high is None or found.bar is None:
        return Verdict.NOT_ENOUGH_EVIDENCE, "The area under the curve could not be measured."
    spread = f"AUC {found.auc:.3f}, {found.low:.3f} to {found.high:.3f}"
    if min(found.bar, found.low) > _CHANCE:
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


def block_length(tested: int, *, open_at_once: int, lasting: float = 0.0) -> int:
    """Neighbours that are drawn together: twice what one label overlaps or what errors last.

    n^(1/3) at least, and no longer than leaves six blocks.
    """
    wanted = max(round(math.cbrt(tested)), 2 * open_at_once, math.ceil(2 * lasting), 1)
    return min(wanted, max(tested // _FEWEST_BLOCKS, 1))


def _with_edge(found: Evidence, spread: str) -> tuple[Verdict, str]:
    above = sum(1 for path in found.paths if path > _CHANCE)
    if found.paths and above < _SHARE_OF_PATHS * len(found.paths):
        return Verdict.NO_EDGE, (
            f"{spread}, but only {above} of {len(found.paths)} purged paths are above chance: it "
            "hangs on one stretch of time."
        )
    if found.taken < LEAST_TAKEN or found.expectancy is None:
        return Verdict.MAY_NOT_PAY, (
            f"{spread}, but {found.taken} trades were taken at the threshold, "
            f"too few to know whether they pay; the least is {LEAST_TAKEN}."
        )
    if found.expectancy <= 0:
        return Verdict.DOES_NOT_PAY, f"{spread}, and the trades taken do not make money."
    if found.least_expected is None or found.least_expected <= 0:
        return Verdict.MAY_NOT_PAY, (
            f"{spread}, but whether the {found.taken} taken pay is not "
            "known: the interval of what they made holds nothing as well."
        )
    return Verdict.EDGE, f"{spread}, chance (0.5) ruled out after {found.trials} tries."
