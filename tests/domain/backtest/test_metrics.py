"""Figures by hand, and by empyrical-reloaded where it has them."""

import math
from random import Random

import empyrical
import pandas as pd
import pytest

from munshi.domain.backtest.metrics import (
    cagr,
    daily_returns,
    drawdown_days,
    max_drawdown,
    sharpe,
    sortino,
)

RETURNS = [0.01, -0.02, 0.015, 0.003, -0.007, 0.0, 0.012, -0.004, 0.009, -0.011]


def test_the_ratios_are_those_of_empyrical() -> None:
    random = Random(6)  # noqa: S311
    for returns in (RETURNS, [random.gauss(0.0004, 0.012) for _ in range(600)]):
        days = pd.Series(returns)
        assert cagr(returns) == pytest.approx(empyrical.cagr(days), abs=1e-12)
        assert sharpe(returns) == pytest.approx(empyrical.sharpe_ratio(days), abs=1e-12)
        assert sortino(returns) == pytest.approx(empyrical.sortino_ratio(days), abs=1e-12)
        assert max_drawdown(returns) == pytest.approx(empyrical.max_drawdown(days), abs=1e-12)


def test_a_drawdown_lasts_until_the_peak_is_reached_again() -> None:
    assert drawdown_days([0.1, -0.5, 0.5, 0.5, -0.1]) == 2
    assert drawdown_days([0.1, 0.1]) == 0


def test_what_cannot_be_known_is_none() -> None:
    assert (cagr([]), sharpe([0.1]), sharpe([0.1, 0.1]), sortino([0.1])) == (None,) * 4
    assert cagr([-1.0]) == -1.0
    assert cagr([1e3]) is None


def test_returns_stop_where_nothing_is_left() -> None:
    assert daily_returns(100, [110, 0, 50]) == [pytest.approx(0.1), -1.0]
    assert math.isclose(daily_returns(100, [90, 99])[1], 0.1)
