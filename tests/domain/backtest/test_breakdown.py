"""Trades in groups."""

from dataclasses import replace

from made_backtests import made_trades
from munshi.domain.backtest.breakdown import breakdown


def test_trades_are_grouped_by_month_and_unpriced_ones_left_out() -> None:
    won, unpriced = made_trades()
    lost = replace(won, legs=tuple(reversed([replace(leg, price=100) for leg in won.legs])))
    groups = breakdown([won, lost, unpriced])

    [month] = groups["month"]
    assert (month.name, month.trades, month.net) == ("2024-06", 2, 37 - 56)
    assert (month.win_rate, month.profit_factor) == (0.5, 37 / 56)
    assert month.costs_of_gross == 112 / 93
    assert groups["signal"] == [replace(month, name="S3")]
    assert groups["expiry_weekday"] == [replace(month, name="Thursday")]


def test_trades_without_a_signal_or_an_expiry_are_in_no_such_group() -> None:
    plain = replace(made_trades()[0], signal=None, expiry=None)

    groups = breakdown([plain])

    assert groups["signal"] == groups["expiry_weekday"] == []
