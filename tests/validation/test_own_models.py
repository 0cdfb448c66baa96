"""Estimators of the user's own: what they may be, and one clear error for each that is not."""

from pathlib import Path

import numpy as np
import pytest

from made_validations import INSTRUMENT, market
from munshi.domain.validation.params import LOGISTIC
from munshi.domain.validation.samples import pick_samples
from munshi.errors import ModelFailedError, ModelUnknownError
from munshi.validation import own_code
from munshi.validation.estimators import make_estimator
from munshi.validation.learning import Learner, Walked

SAMPLES = pick_samples(market(seed=3, trades=120).trades, instrument=INSTRUMENT).samples
DRAWN = np.random.default_rng(2)
Y = (DRAWN.random(120) < 0.5).astype(float)
X = np.column_stack([Y + DRAWN.normal(size=120), DRAWN.normal(size=120)])
OWN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def logistic():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))

def forest():
    return make_pipeline(StandardScaler(), RandomForestClassifier(5))

def nothing():
    return None

def a_class():
    return LogisticRegression

def leaves():
    raise SystemExit(3)

regressor, no_probabilities = LinearRegression, RidgeClassifier

class Own(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

class ReturnsNothing(Own):
    def fit(self, X, y):
        super().fit(X, y)

class OtherWayRound(Own):
    def fit(self, X, y):
        super().fit(X, y)
        self.classes_ = np.array([1, 0])
        return self

    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]

class Raises(Own):
    def fit(self, X, y):
        raise ValueError("no wish to learn")

class Exits(Own):
    def predict_proba(self, X):
        raise SystemExit(3)

class NotANumber(Own):
    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)

class OverOne(Own):
    def predict_proba(self, X):
        return np.full((len(X), 2), 1.5)

class OneColumn(Own):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, 1]

class OneRow(Own):
    def predict_proba(self, X):
        return super().predict_proba(X)[:1]

class ThreeClasses(Own):
    def fit(self, X, y):
        super().fit(X, y)
        self.classes_ = np.array([0, 1, 2])
        return self

class RanksTheBlock(Own):
    def predict_proba(self, X):
        rank = X[:, 0].argsort().argsort() / max(len(X) - 1, 1)
        return np.column_stack([1 - rank, rank])

class Dice(Own):
    def fit(self, X, y):
        super().fit(X, y)
        self.model_.intercept_ = self.model_.intercept_ + np.random.default_rng().normal()
        return self
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def walked(folder: Path, name: str, *, seed: int = 0) -> Walked:
    estimator, pin = make_estimator(name, seed=seed, folder=folder)
    learner = Learner(estimator, X, Y, SAMPLES, is_own=pin is not None)
    return learner.walk(folds=3, progress=lambda _: None)


def test_a_file_of_the_users_gives_what_the_same_model_of_ours_does(folder: Path) -> None:
    own, ours = walked(folder, "own.py:logistic"), walked(folder, LOGISTIC)

    assert np.array_equal(own.probabilities, ours.probabilities)
    assert own.repeats


@pytest.mark.parametrize("name", ["ReturnsNothing", "OtherWayRound"])
def test_what_is_unusual_and_right_is_taken_for_what_it_says(folder: Path, name: str) -> None:
    usual, unusual = walked(folder, "own.py:Own"), walked(folder, f"own.py:{name}")

    assert len(set(unusual.probabilities)) > 80  # not the share of wins of each fold
    assert unusual.probabilities == pytest.approx(usual.probabilities)


def test_the_seed_reaches_the_steps_inside_a_pipeline(folder: Path) -> None:
    one, same, other = (walked(folder, "own.py:forest", seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(one.probabilities, same.probabilities)
    assert not np.array_equal(one.probabilities, other.probabilities)
    assert one.repeats


def test_a_model_that_learns_by_chance_is_told_apart(folder: Path) -> None:
    assert not walked(folder, "own.py:Dice").repeats


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "own.py:nothing: TypeError: Cannot clone object 'None'"),
        ("a_class", "own.py:a_class: TypeError: Cannot clone object"),
        ("leaves", "own.py:leaves: SystemExit: 3"),
        ("regressor", "own.py:regressor has no predict_proba"),
        ("no_probabilities", "own.py:no_probabilities has no predict_proba"),
        ("Raises", "It could not learn: ValueError: no wish to learn"),
        ("Exits", "It could not predict: SystemExit: 3"),
        ("NotANumber", "It gave something that is no probability"),
        ("OverOne", "It gave something that is no probability"),
        ("OneColumn", r"of the shape \(30,\) for the classes"),
        ("OneRow", r"asked about 30 trades .* gave probabilities of the shape \(1, 2\)"),
        ("ThreeClasses", r"for the classes \[.*2\)?\]"),
        ("RanksTheBlock", "It says something else of a trade alone than of the same one among"),
    ],
)
def test_what_is_no_honest_classifier_is_one_clear_error(
    folder: Path, name: str, said: str
) -> None:
    with pytest.raises(ModelFailedError, match=said):
        walked(folder, f"own.py:{name}")


def test_a_file_that_cannot_be_loaded_is_one_clear_error(folder: Path) -> None:
    (folder / "odd.py").write_text("def make(:\n")
    (folder / "gone.py").write_text("raise SystemExit(2)\n")
    (folder / "notes.txt").write_text("make = 1\n")

    for name, said in (("odd.py:make", "SyntaxError"), ("gone.py:make", "SystemExit: 2")):
        with pytest.raises(ModelFailedError, match=said):
            make_estimator(name, seed=0, folder=folder)
    with pytest.raises(ModelUnknownError, match="no function or class nobody"):
        make_estimator("own.py:nobody", seed=0, folder=folder)


def test_an_installed_package_gives_a_model_by_an_entry_point(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip leaves it: a module and its entry points beside it."""
    (folder / "desk_models.py").write_text(OWN)
    info = folder / "desk_models-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk-models\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(
        f"[{own_code.GROUP}]\nours = desk_models:logistic\nwrong = desk_models:gone\n"
    )
    monkeypatch.syspath_prepend(folder)

    _, pin = make_estimator("entry:ours", seed=0, folder=folder)
    made = walked(folder, "entry:ours")

    assert pin == "desk_models:logistic 2.1"
    assert np.array_equal(made.probabilities, walked(folder, LOGISTIC).probabilities)
    with pytest.raises(ModelFailedError, match="desk_models:gone: AttributeError"):
        make_estimator("entry:wrong", seed=0, folder=folder)
