"""Which samples may be learnt from before which are judged; shuffled splits are refused."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from munshi.domain.validation.samples import Sample

_FIRST_SHARE = 4
_FEWEST_FIRST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Places of samples: the `train` ones had all ended when the first `test` one was decided."""

    train: tuple[int, ...]
    test: tuple[int, ...]


def walk_forward(samples: Sequence[Sample], *, folds: int) -> list[Fold]:
    """Blocks of tests in order, the first after a quarter of the samples, each with its past.

    Between the two lies a gap of at least the label's horizon: a sample is learnt from only if
    it had ended when the block's first decision was made.
    """
    count = len(samples)
    first = max(count // _FIRST_SHARE, min(_FEWEST_FIRST, count // 2))
    edges = [first + (count - first) * each // folds for each in range(folds + 1)]
    found = []
    for begin, end in itertools.pairwise(edges):
        if begin == end:
            continue
        opens = samples[begin].decided_at
        train = tuple(place for place in range(begin) if samples[place].ends_at <= opens)
        found.append(Fold(train=train, test=tuple(range(begin, end))))
    return found


def apart(samples: Sequence[Sample], train: Sequence[int], tests: Sequence[int]) -> list[int]:
    """Of `train` what shares no moment with any of `tests`, which are neighbours in order."""
    opens = min(samples[place].decided_at for place in tests)
    ends = max(samples[place].ends_at for place in tests)
    return [
        place
        for place in train
        if samples[place].ends_at <= opens or samples[place].decided_at >= ends
    ]
