"""Scores against scikit-learn's, and intervals that hold what they promise."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.neighbors import KNeighborsClassifier

from munshi.errors import ModelFileRefusedError
from munshi.validation.measures import Judged, draw_weights, interval, score, score_draws
from munshi.validation.model_files import open_model, pack_model


def judged(count: int, *, seed: int, places: int = 2) -> Judged:
    """With many ties, as probabilities of trees have."""
    random = np.random.default_rng(seed)
    p = np.round(random.random(count), places)
    return Judged(y=(random.random(count) < p).astype(float), net=random.normal(size=count), p=p)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    made = judged(200, seed=seed)
    taken = made.p >= 0.5

    assert score(made, threshold=0.5) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(made.y, taken),
            "precision": metrics.precision_score(made.y, taken),
            "recall": metrics.recall_score(made.y, taken),
            "f1": metrics.f1_score(made.y, taken),
            "roc_auc": metrics.roc_auc_score(made.y, made.p),
            "pr_auc": metrics.average_precision_score(made.y, made.p),
            "brier": metrics.brier_score_loss(made.y, made.p),
            "log_loss": metrics.log_loss(made.y, np.clip(made.p, 1e-15, 1 - 1e-15)),
            "calibration_error": _calibration_error(made),
            "expectancy": made.net[taken].mean(),
        }
    )


def _calibration_error(made: Judged) -> float:
    number = np.minimum((made.p * 10).astype(int), 9)
    total = sum(
        (number == each).mean() * abs(made.p[number == each].mean() - made.y[number == each].mean())
        for each in range(10)
    )
    return float(total)


def test_the_scores_of_a_redraw_are_those_of_the_samples_it_drew() -> None:
    made = judged(60, seed=1)
    weights = draw_weights(60, block=7, seed=2, draws=20)
    table = score_draws(made, weights, threshold=0.5)

    for row, counts in enumerate(weights.astype(int)):
        places = np.repeat(np.arange(60), counts)
        again = Judged(y=made.y[places], net=made.net[places], p=made.p[places])
        expected = score(again, threshold=0.5)
        assert {name: values[row] for name, values in table.items()} == pytest.approx(expected)
    assert (weights.sum(axis=1) == 60).all()


def test_what_a_result_cannot_have_is_none() -> None:
    none_taken = Judged(y=np.zeros(30), net=np.ones(30), p=np.full(30, 0.2))
    found = score(none_taken, threshold=0.5)
    draws = score_draws(none_taken, draw_weights(30, block=3, seed=0), threshold=0.5)

    missing = {name for name, value in found.items() if value is None}
    assert missing == {"precision", "recall", "f1", "roc_auc", "pr_auc", "expectancy"}
    assert interval(draws["precision"]) is None
    between = interval(draws["brier"])
    assert between is not None
    assert between.low == pytest.approx(between.high) == pytest.approx(0.04)


def test_a_type_that_is_not_on_our_list_is_neither_packed_nor_opened() -> None:
    x = np.arange(40.0).reshape(20, 2)
    model = KNeighborsClassifier(3).fit(x, np.arange(20) % 2)

    with pytest.raises(ModelFileRefusedError, match="which is not trusted"):
        pack_model(model)
    with pytest.raises(ModelFileRefusedError, match="cannot be read"):
        open_model(b"no file of ours")
