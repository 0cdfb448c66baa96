"""Fitting and predicting, fold by fold: walking forward, over purged splits, and to be kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skfolio.model_selection import CombinatorialPurgedCV
from sklearn.base import clone

from munshi.domain.validation.samples import Sample, most_open_at_once
from munshi.domain.validation.splits import Fold, apart, walk_forward
from munshi.errors import AppError, ModelFailedError
from munshi.validation.measures import roc_auc

Floats = NDArray[np.float64]
_TEST_FOLDS = 2
_SHUFFLES = 5
_ASKED_ALONE, _SAME = 8, 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What was predicted of samples by models that had learnt from their past alone.

    `places` are the samples judged, in order; `base` the share of wins each fold had learnt
    from; `models` one fitted model a fold, None where there was one class only. `repeats` is
    False for one that said something else when it learnt the same again.
    """

    folds: list[Fold]
    places: NDArray[np.int64]
    probabilities: Floats
    base: Floats
    models: list[Any]
    repeats: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """Areas under the curve: of each split, and of the paths that cross all samples once."""

    splits: list[float]
    paths: list[float]
    purged: int


class Learner:
    """An estimator with the samples' features `x` and labels `y`, in the order of time.

    One that `is_own` is the user's, and is watched more closely.
    """

    def __init__(
        self,
        estimator: Any,  # noqa: ANN401
        x: Floats,
        y: Floats,
        samples: Sequence[Sample],
        *,
        is_own: bool = False,
    ) -> None:
        self._estimator = estimator
        self._is_own = is_own
        self._x = x
        self._y = y
        self._samples = samples

    def walk(self, *, folds: int, progress: Callable[[float], None]) -> Walked:
        """The headline. Raises ModelFailedError, and what `progress`, told the share done, does."""
        found = walk_forward(self._samples, folds=folds)
        parts, base, models = [], [], []
        for number, fold in enumerate(found):
            model = self.fit(fold.train)
            parts.append(self._predict(model, fold.train, self._x[list(fold.test)]))
            if self._is_own and model is not None:
                _check_alone(model, self._x[list(fold.test)], parts[-1])
            base.append(np.full(len(fold.test), _share(self._y[list(fold.train)])))
            models.append(model)
            progress((number + 1) / len(found))
        return Walked(
            folds=found,
            places=np.array([place for fold in found for place in fold.test]),
            probabilities=np.concatenate(parts),
            base=np.concatenate(base),
            models=models,
            repeats=not self._is_own or self._repeats(found[-1], parts[-1]),
        )

    def purged(self, *, folds: int, progress: Callable[[float], None]) -> Purged:
        """The spread, over every pair of `folds` as tests; training may lie after them."""
        gap = most_open_at_once(self._samples) + 1
        # It refuses gaps as wide as a fold, which long labels of few samples are; the rest of
        # purge and embargo is cut off below.
        most = min(gap, (len(self._y) // folds - 2) // 2)
        splitter = CombinatorialPurgedCV(
            n_folds=folds, n_test_folds=_TEST_FOLDS, purged_size=most, embargo_size=most
        )
        paths = np.full((splitter.n_test_paths, len(self._y)), np.nan)
        splits: list[float] = []
        chosen = list(self._splits(splitter))
        for number, (train, tests, path_ids) in enumerate(chosen):
            for test in tests:
                behind = range(test[-1] + 1, test[-1] + 1 + gap)
                clear = apart(self._samples, train, test)
                train = [place for place in clear if place not in behind]  # noqa: PLW2901
            model = self.fit(train)
            values = [self._predict(model, train, self._x[test]) for test in tests]
            for test, path, value in zip(tests, path_ids, values, strict=True):
                paths[path, test] = value
            area = roc_auc(self._y[np.concatenate(tests)], np.concatenate(values))
            splits += [] if area is None else [area]
            progress((number + 1) / len(chosen))
        areas = [roc_auc(self._y, path) for path in paths]
        return Purged(splits=splits, paths=[a for a in areas if a is not None], purged=gap)

    def fit(self, train: Sequence[int]) -> Any:  # noqa: ANN401
        """A copy that has learnt from `train`; None where that is of one class.

        Raises ModelFailedError.
        """
        y = self._y[list(train)]
        if len(y) == 0 or y.min() == y.max():
            return None
        model = clone(self._estimator)
        try:
            model.fit(self._x[list(train)], y.astype(int))
        except AppError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelFailedError(f"It could not learn: {_said(error)}") from error
        return model

    def importance(self, walked: Walked, *, seed: int) -> list[tuple[float, float]]:
        """Of each feature, how much AUC is lost, and its deviation, when its values change places.

        They change places within a fold's tests, which the fold's model had never seen.
        """
        random = np.random.default_rng(seed)
        labels = self._y[walked.places]
        whole = roc_auc(labels, walked.probabilities)
        if whole is None:
            return []
        found = []
        for column in range(self._x.shape[1]):
            lost = []
            for _ in range(_SHUFFLES):
                parts = []
                for fold, model in zip(walked.folds, walked.models, strict=True):
                    x = self._x[list(fold.test)]
                    x[:, column] = random.permutation(x[:, column])
                    parts.append(self._predict(model, fold.train, x))
                moved = roc_auc(labels, np.concatenate(parts))
                lost.append(whole - (whole if moved is None else moved))
            found.append((float(np.mean(lost)), float(np.std(lost))))
        return found

    def _repeats(self, fold: Fold, said: Floats) -> bool:
        again = self._predict(self.fit(fold.train), fold.train, self._x[list(fold.test)])
        return np.array_equal(again, said)

    def _predict(self, model: Any, train: Sequence[int], x: Floats) -> Floats:  # noqa: ANN401
        if model is None:
            return np.full(len(x), _share(self._y[list(train)]))
        return predict(model, x)

    def _splits(
        self,
        splitter: Any,  # noqa: ANN401
    ) -> Iterator[tuple[list[int], list[list[int]], list[int]]]:
        for (train, tests), paths in zip(
            splitter.split(self._x), splitter.get_path_ids(), strict=True
        ):
            yield list(train), [list(test) for test in tests], list(paths)


def predict(model: Any, x: Floats) -> Floats:  # noqa: ANN401
    """The probability of a win for each row. Raises ModelFailedError."""
    try:
        both = np.asarray(model.predict_proba(x), dtype=float)
        classes = list(getattr(model, "classes_", (0, 1)))
    except AppError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelFailedError(f"It could not predict: {_said(error)}") from error
    if both.shape != (len(x), 2) or sorted(classes) != [0, 1]:
        raise ModelFailedError(
            f"It was asked about {len(x)} trades that win or do not, and gave probabilities of "
            f"the shape {both.shape} for the classes {classes}."
        )
    found: Floats = both[:, classes.index(1)]
    if not np.isfinite(found).all() or found.min() < 0 or found.max() > 1:
        raise ModelFailedError("It gave something that is no probability.")
    return found


def _check_alone(model: Any, x: Floats, together: Floats) -> None:  # noqa: ANN401
    """A trade's probability may not hang on later trades that are asked about with it."""
    for row in range(0, len(x), max(len(x) // _ASKED_ALONE, 1)):
        if abs(predict(model, x[[row]])[0] - together[row]) > _SAME:
            raise ModelFailedError(
                "It says something else of a trade alone than of the same one among others, "
                "which come after it and which it could not know.",
                hint="predict_proba must look at each row by itself.",
            )


def _share(y: Floats) -> float:
    return float(y.mean()) if len(y) else 0.5


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
