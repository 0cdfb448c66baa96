"""What the splits really hand to a model: no sample that shares a moment with those it is asked."""

from datetime import timedelta
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from made_validations import START
from munshi.domain.validation.samples import Sample, most_open_at_once
from munshi.validation.learning import Learner

MINUTE = timedelta(minutes=1)


def made_samples(seed: int) -> list[Sample]:
    """Uneven steps, and labels of quite other lengths: some overlap none, some a dozen others."""
    random = np.random.default_rng(seed)
    at = START
    made = []
    for _ in range(70):
        at += int(random.integers(0, 10)) * MINUTE
        held = int(random.integers(1, 60)) * MINUTE
        made.append(Sample(decided_at=at, ends_at=at + held, net=1, direction=1))
    return made


class Remembers(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Its only feature is the sample's place."""

    met: ClassVar[list[tuple[list[int], list[int]]]] = []

    def fit(self, x: np.ndarray, _: np.ndarray) -> "Remembers":
        self.train_ = x[:, 0].astype(int).tolist()
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        self.met.append((self.train_, x[:, 0].astype(int).tolist()))
        return np.full((len(x), 2), 0.5)


def learner(samples: list[Sample]) -> Learner:
    places = np.arange(len(samples), dtype=float)
    Remembers.met.clear()
    return Learner(Remembers(), places[:, None], places % 2, samples)


@pytest.mark.parametrize(("seed", "folds"), [(1, 3), (2, 5), (3, 8), (4, 10)])
def test_purged_training_shares_no_moment_with_a_test_and_keeps_clear_behind_it(
    seed: int, folds: int
) -> None:
    samples = made_samples(seed)

    found = learner(samples).purged(folds=folds, progress=lambda _: None)

    assert len(found.splits) == folds * (folds - 1) // 2
    assert found.purged == most_open_at_once(samples) + 1
    for train, test in Remembers.met:
        opens = min(samples[place].decided_at for place in test)
        ends = max(samples[place].ends_at for place in test)
        for place in train:
            one = samples[place]
            assert one.ends_at <= opens or one.decided_at >= ends
        # Embargo: so many samples behind a test are left out, whatever their moments.
        behind = set(range(test[-1] + 1, test[-1] + 1 + found.purged))
        assert not behind & set(train)


def test_labels_longer_than_a_fold_leave_less_to_learn_from_and_are_no_error() -> None:
    """Sixty trades, each open with twelve later ones: a tenth of them is shorter than a gap."""
    samples = [
        Sample(
            decided_at=START + number * MINUTE,
            ends_at=START + (number + 13) * MINUTE,
            net=1,
            direction=1,
        )
        for number in range(60)
    ]

    found = learner(samples).purged(folds=10, progress=lambda _: None)

    assert (len(found.splits), len(found.paths), found.purged) == (45, 9, 13)
    assert len(Remembers.met) > 60
    for train, test in Remembers.met:
        assert not set(train) & set(range(test[0] - 12, test[-1] + 14))


@pytest.mark.parametrize(("seed", "folds"), [(1, 3), (2, 6), (3, 12)])
def test_walking_forward_learns_only_from_what_had_ended(seed: int, folds: int) -> None:
    samples = made_samples(seed)

    learner(samples).walk(folds=folds, progress=lambda _: None)

    assert Remembers.met
    for train, test in Remembers.met:
        opens = samples[test[0]].decided_at
        assert all(samples[place].ends_at <= opens for place in train)
        assert max(train) < test[0]
