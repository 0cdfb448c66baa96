"""Months and years of a curve, by hand."""

from datetime import date

from munshi.domain.backtest.months import monthly_returns, yearly_returns

DAILY = [
    (date(2023, 12, 28), 110_00),
    (date(2023, 12, 29), 120_00),
    (date(2024, 1, 1), 90_00),
    (date(2024, 3, 1), 0),
    (date(2024, 4, 1), 0),
]


def test_a_month_begins_where_the_one_before_ended() -> None:
    months = monthly_returns(100_00, DAILY)

    assert [(each.year, each.month, each.gained) for each in months] == [
        (2023, 12, 20_00),
        (2024, 1, -30_00),
        (2024, 3, -90_00),
        (2024, 4, 0),
    ]
    assert [each.share for each in months] == [0.2, -0.25, -1.0, None]


def test_a_year_is_its_months_together() -> None:
    assert yearly_returns(100_00, DAILY) == {2023: 0.2, 2024: -1.0}
    assert yearly_returns(100_00, []) == {}
