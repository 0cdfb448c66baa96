"""Prices become whole ten-thousandths of a rupee and back without loss."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.market.candles import Candle, to_price, to_rupees
from munshi.errors import PriceInvalidError

STORED = st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1)


def candle(**changes: int | None) -> Candle:
    prices: dict[str, int | None] = {
        "open": 1000,
        "high": 1100,
        "low": 900,
        "close": 1050,
        "volume": 0,
        "oi": None,
    }
    prices |= changes
    opens = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
    return Candle(opens=opens, **prices)  # type: ignore[arg-type]


@given(STORED)
def test_every_stored_price_survives_the_way_through_rupees(price: int) -> None:
    assert to_price(to_rupees(price)) == price
    assert to_price(str(to_rupees(price))) == price


@given(st.integers(min_value=0, max_value=10**9))
def test_a_float_of_paise_counts_as_the_decimal_it_prints(paise: int) -> None:
    assert to_price(paise / 100) == paise * 100


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9))
def test_what_is_finer_than_a_ten_thousandth_goes_to_the_nearest(rupees: Decimal) -> None:
    assert abs(to_rupees(to_price(rupees)) - rupees) <= Decimal("0.00005")


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("21727.75", 217_277_500),
        (21727.75, 217_277_500),
        (0.1, 1000),
        (" 12.5 ", 125_000),
        (7, 70_000),
        (Decimal("0.00005"), 0),
        (Decimal("0.00015"), 2),
        ("1e3", 10_000_000),
    ],
)
def test_rupees_become_ten_thousandths(value: str | float | Decimal, price: int) -> None:
    assert to_price(value) == price


@pytest.mark.parametrize(
    "value",
    ["", "abc", "12,5", "NaN", "inf", float("nan"), float("-inf"), "1e30", 10**20, "1e999999"],
)
def test_what_is_no_price_is_refused(value: str | float) -> None:
    with pytest.raises(PriceInvalidError):
        to_price(value)


def test_a_candle_is_sane_when_high_and_low_enclose_open_and_close() -> None:
    assert candle().is_sane
    assert candle(open=900, high=900, low=900, close=900).is_sane


@pytest.mark.parametrize(
    "changes", [{"high": 1049}, {"low": 1001}, {"low": 0}, {"volume": -1}, {"oi": -1}]
)
def test_a_candle_is_not_sane(changes: dict[str, int]) -> None:
    assert not candle(**changes).is_sane
