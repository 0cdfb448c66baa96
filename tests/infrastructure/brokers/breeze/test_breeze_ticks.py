"""Breeze's `stock` lists: the fact sheet's positions, indices, and whatever cannot be read."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.infrastructure.brokers.breeze.ticks import read_stock

NUMBERS = {"4.1!2885": 1, "4.1!NIFTY 50": 2, "4.1!36000": 3}
# Positions of the documented 21 and 23 items, every value of its own.
CASH: list[object] = [
    "4.1!2885", 2500.5, 2510.05, 2520, "2490.10", 0.4, 2510, 125, 2510.1, 100, 7, 2505.25,
    1192471, 256443, 363009, "90.82C", "", 2250, 2750, 1732174200, 2500.05,
]  # fmt: skip
FUTURE: list[object] = [
    "4.1!36000", 26000, 26010.5, 26050, 25950, 0.1, 26010, 75, 26011, 150, 75, 26005,
    1500000, 2500, 400000, 1000, 2000, "1040.00C", "", 23400, 28600, 1732174200, 25990,
]  # fmt: skip


def test_a_share_is_read_by_position() -> None:
    tick = read_stock(CASH, numbers=NUMBERS)

    assert tick is not None
    assert (tick.token, tick.is_index, tick.last_price) == (1, False, Decimal("2510.05"))
    assert [tick.open, tick.high, tick.low] == [Decimal("2500.5"), Decimal(2520), Decimal("2490.1")]
    assert (tick.close, tick.volume, tick.oi) == (Decimal("2500.05"), 1192471, None)
    assert (tick.buy_quantity, tick.sell_quantity, tick.last_quantity) == (256443, 363009, 7)
    assert tick.traded_at == tick.exchange_at == datetime(2024, 11, 21, 7, 30, tzinfo=UTC)
    assert [(row.price, row.quantity) for row in tick.bids] == [(Decimal(2510), 125)]
    assert [(row.price, row.quantity) for row in tick.offers] == [(Decimal("2510.1"), 100)]


def test_a_contract_has_its_open_interest_before_the_volume() -> None:
    tick = read_stock(FUTURE, numbers=NUMBERS)

    assert tick is not None
    assert (tick.oi, tick.volume, tick.close) == (1500000, 400000, Decimal(25990))
    assert tick.traded_at == datetime(2024, 11, 21, 7, 30, tzinfo=UTC)


def test_an_index_has_no_trades_and_nulls_in_their_places() -> None:
    index = ["4.1!NIFTY 50", *CASH[1:6], *[None] * 13, 1732174200, 2500.05]

    tick = read_stock(index, numbers=NUMBERS)

    assert tick is not None
    assert (tick.is_index, tick.volume, tick.traded_at, tick.bids) == (True, None, None, ())
    assert tick.exchange_at is not None


@pytest.mark.parametrize(
    "payload",
    [
        None, "4.1!2885", 17, [], ["4.1!2885"], {"symbol": "4.1!2885"}, CASH[:20], [*CASH, 1],
        ["4.1!9999", *CASH[1:]],  # nobody joined that room
        [2885, *CASH[1:]],
        [*CASH[:2], None, *CASH[3:]],
        [*CASH[:2], "dear", *CASH[3:]],
        [*CASH[:2], float("nan"), *CASH[3:]],
        [*CASH[:2], -5, *CASH[3:]],
        [*CASH[:2], True, *CASH[3:]],
        [*CASH[:2], 1e30, *CASH[3:]],  # no price is so high, and none is stored
        [*CASH[:7], "1e999999", *CASH[8:]],
        [*CASH[:19], 1e300, CASH[20]],
        ["4.1!2885", 1732174200, [[1, 2, 3, "", 4, 5, 6, ""]]],  # depth, which is not asked for
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_tick(payload: object) -> None:
    assert read_stock(payload, numbers=NUMBERS) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.lists(anything, min_size=20, max_size=20))
def test_no_list_is_an_error(rest: list[object]) -> None:
    tick = read_stock(["4.1!2885", *rest], numbers=NUMBERS)

    assert tick is None or tick.last_price >= 0
