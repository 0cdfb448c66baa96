"""Published values, noise and one genuine strategy."""

import math
from random import Random

import pytest

from munshi.domain.backtest.bootstrap import intervals
from munshi.domain.backtest.evidence import (
    deflated_sharpe,
    deflated_sharpe_of_trades,
    luck_threshold,
    moments,
    overfitting_probability,
)


def test_the_deflated_sharpe_is_the_published_one() -> None:
    # Bailey and López de Prado, 2014, with 250 days a year.
    threshold = luck_threshold(100, 0.5 / 250)
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    found = deflated_sharpe(
        2.5 / math.sqrt(250), observations=1250, skew=-3, kurtosis=10, threshold=threshold
    )
    assert found == pytest.approx(0.9004, abs=5e-5)
    assert luck_threshold(1, 0.5) == 0


def test_moments_by_hand() -> None:
    assert moments([1.0, 2.0, 3.0]) == pytest.approx((2, 0, 1.5))
    assert moments([0.1, 0.1]) is None


def noise(random: Random, days: int, mean: float = 0.0) -> list[float]:
    return [random.gauss(mean, 0.01) for _ in range(days)]


def test_the_best_of_noise_is_overfit_half_the_time_and_a_genuine_one_never() -> None:
    random = Random(1)  # noqa: S311
    found = [
        overfitting_probability([noise(random, 200) for _ in range(20)]) or 0 for _ in range(12)
    ]
    assert sum(found) / len(found) == pytest.approx(0.49, abs=0.12)

    genuine = [noise(random, 200, mean=0.01), *(noise(random, 200) for _ in range(19))]
    assert overfitting_probability(genuine) == 0
    assert overfitting_probability(genuine[:1]) is None
    assert overfitting_probability([[0.1], [0.2]]) is None
    assert overfitting_probability([[0.0] * 20] * 3) == 1  # nobody is better than anybody


def test_intervals_mostly_hold_the_truth_and_are_the_same_again() -> None:
    random, held = Random(3), 0  # noqa: S311
    for seed in range(40):
        returns = noise(random, 120, mean=0.001)
        low, high = intervals(returns, [], seed=seed, draws=100)["sharpe"] or (0, 0)
        held += low < 0.1 * math.sqrt(252) < high
    assert 0.7 <= held / 40 < 1  # of nine in ten

    nets = [100, -50, 30, 80, -20] * 10
    first = intervals(returns, nets, seed=7)
    assert first == intervals(returns, nets, seed=7) != intervals(returns, nets, seed=8)
    low, high = first["expectancy"] or (0, 0)
    assert low < 28 < high
    assert set(intervals([], [], seed=1).values()) == {None}


def test_the_best_of_many_tries_without_skill_is_not_called_skill() -> None:
    random = Random(7)  # noqa: S311
    called = 0
    for _ in range(40):
        tries = [[random.gauss(0, 1) for _ in range(60)] for _ in range(30)]
        best = max(tries, key=lambda nets: (moments(nets) or (0,))[0])
        alone, counted = (deflated_sharpe_of_trades(best, trials=n) for n in (1, len(tries)))
        assert alone is not None
        assert counted is not None
        assert counted < alone
        called += counted > 0.95

    assert called <= 4
    skilled = [random.gauss(0.6, 1) for _ in range(200)]
    assert (deflated_sharpe_of_trades(skilled, trials=30) or 0) > 0.99
    assert deflated_sharpe_of_trades([5.0, 5.0], trials=3) is None
    assert deflated_sharpe_of_trades([], trials=3) is None
