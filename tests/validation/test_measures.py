"""Scores against scikit-learn's, and intervals that hold what they promise."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.neighbors import KNeighborsClassifier

from munshi.errors import ModelFileRefusedError
from munshi.validation.headline import measure_headline
from munshi.validation.intervals import independent_trades, lasting, score_intervals, stretch
from munshi.validation.measures import Judged, draw_weights, score, score_draws
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
    found_intervals = score_intervals(found, draws, taken=0, blocks=10)
    assert {name for name, each in found_intervals.items() if each is None} == missing | {
        "calibration_error"
    }
    between = found_intervals["brier"]
    assert between is not None
    assert between.low == pytest.approx(between.high) == pytest.approx(0.04)


def test_of_a_handful_of_trades_taken_nothing_is_said_for_sure() -> None:
    """Three of three that won are no certainty of winning."""
    random = np.random.default_rng(4)
    net = random.normal(size=200)
    p = np.full(200, 0.3)
    p[np.argsort(-net)[:3]] = 0.7
    few = measure_headline(
        Judged(y=(net > 0).astype(float), net=net, p=p), open_at_once=0, threshold=0.5, seed=0
    )

    assert few.scores["precision"] == 1
    assert few.intervals["precision"] is few.intervals["expectancy"] is None
    assert few.deflated_sharpe(trials=1) is None


def test_the_fewer_the_blocks_and_the_more_the_tries_the_wider() -> None:
    assert stretch(1e9) == pytest.approx(1.959964)
    assert stretch(1e9, trials=20) == pytest.approx(3.023341)
    assert stretch(8) == pytest.approx(stats.t.ppf(0.975, 7) * (8 / 7) ** 0.5)
    assert stretch(1.0) > 12


def test_blocks_are_as_long_as_errors_hang_together() -> None:
    random = np.random.default_rng(5)
    steps = random.normal(size=2000)
    slow = np.zeros(2000)
    for place in range(1, 2000):
        slow[place] = 0.9 * slow[place - 1] + steps[place]
    p = np.full(2000, 0.5)

    alone = lasting(Judged(y=(steps > 0).astype(float), net=steps, p=p), threshold=0.5)
    together = lasting(Judged(y=(slow > 0).astype(float), net=slow, p=p), threshold=0.5)

    assert alone < 6
    # Politis and White's length for a first-order process of 0.9.
    assert together == pytest.approx((6 * (0.9 / (1 - 0.81)) ** 2 * 2000) ** (1 / 3), rel=0.35)


def test_trades_that_overlap_count_as_fewer() -> None:
    random = np.random.default_rng(6)
    moves = random.normal(size=3000 + 10)
    net = np.convolve(moves, np.ones(10), mode="valid")[:3000]  # ten at a time share each move
    made = Judged(y=(net > 0).astype(float), net=net, p=np.full(3000, 0.5))
    headline = measure_headline(made, open_at_once=9, threshold=0.5, seed=0)

    assert independent_trades(net, headline.draws["expectancy"]) == pytest.approx(300, rel=0.3)
    alone = measure_headline(
        Judged(y=(moves[:3000] > 0).astype(float), net=moves[:3000], p=made.p),
        open_at_once=0,
        threshold=0.5,
        seed=0,
    )
    assert independent_trades(moves[:3000], alone.draws["expectancy"]) > 2000


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """On labels that overlap by five: half of the redraws' own quantiles' misses, or fewer."""
    held, every, runs = 40, 8, 120
    kept = 0
    for seed in range(runs):
        random = np.random.default_rng(seed)
        path = np.cumsum(random.normal(size=20 + 200 * every + held + 1))
        at = 20 + np.arange(200) * every
        net = path[at + held] - path[at]
        said = 1 / (1 + np.exp(-0.1 * (path[at] - path[at - 20])))
        made = Judged(y=(net > 0).astype(float), net=net, p=said)
        between = measure_headline(made, open_at_once=4, threshold=0.5, seed=0).intervals["roc_auc"]
        assert between is not None
        kept += between.low <= 0.5 <= between.high
    assert kept >= 0.92 * runs


def test_a_type_that_is_not_on_our_list_is_neither_packed_nor_opened() -> None:
    x = np.arange(40.0).reshape(20, 2)
    model = KNeighborsClassifier(3).fit(x, np.arange(20) % 2)

    with pytest.raises(ModelFileRefusedError, match="which is not trusted"):
        pack_model(model)
    with pytest.raises(ModelFileRefusedError, match="cannot be read"):
        open_model(b"no file of ours")
