"""Figures by hand, and by empyrical-reloaded 0.7.1 where it has them."""

import math

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
    # What its cagr, sharpe_ratio, sortino_ratio and max_drawdown gave for RETURNS.
    assert cagr(RETURNS) == pytest.approx(0.17579807936137537, abs=1e-12)
    assert sharpe(RETURNS) == pytest.approx(0.9872976249835812, abs=1e-12)
    assert sortino(RETURNS) == pytest.approx(1.4516084993877938, abs=1e-12)
    assert max_drawdown(RETURNS) == pytest.approx(-0.019999999999999962, abs=1e-12)


def test_a_drawdown_lasts_until_the_peak_is_reached_again() -> None:
    assert drawdown_days([0.1, -0.5, 0.5, 0.5, -0.1]) == 2
    assert drawdown_days([0.1, 0.1]) == 0


def test_what_cannot_be_known_is_none() -> None:
    assert (cagr([]), sharpe([0.1]), sharpe([0.1, 0.1]), sortino([0.1])) == (None,) * 4
    assert cagr([-1.0]) == -1.0


def test_returns_stop_where_nothing_is_left() -> None:
    assert daily_returns(100, [110, 0, 50]) == [pytest.approx(0.1), -1.0]
    assert math.isclose(daily_returns(100, [90, 99])[1], 0.1)
