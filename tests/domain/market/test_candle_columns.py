"""Bars in columns are the same sequence as the candles they were made of."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_candles import candle, ist
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.market.candle_columns import CandleColumns, candles_between
from munshi.domain.market.candles import Candle

FIRST = ist("2024-06-10 09:15")
# More than the blocks that are kept, so that some are made again.
MANY = 40_000


def bars(count: int) -> list[Candle]:
    return [
        candle(
            FIRST + timedelta(minutes=number, microseconds=number % 3),
            price=217_000_000 + number,
            volume=number,
            oi=None if number % 5 else number,
        )
        for number in range(count)
    ]


ALL = bars(3_000)
COLUMNS = CandleColumns.of(ALL)
PLACES = st.none() | st.integers(-3_100, 3_100)


@given(begin=PLACES, stop=PLACES, step=st.sampled_from([None, 1, 2, -1, 700]))
def test_every_slice_is_that_of_the_candles(
    begin: int | None, stop: int | None, step: int | None
) -> None:
    places = slice(begin, stop, step)
    assert list(COLUMNS[places]) == ALL[places]
    closed, plain = ClosedBars(COLUMNS), ClosedBars(ALL)
    for _ in range(2_500):
        closed.close_next()
        plain.close_next()
    assert list(closed[places]) == list(plain[places]) == ALL[:2_500][places]


@given(st.integers(-3_100, 3_100))
def test_every_place_is_that_of_the_candles(place: int) -> None:
    closed = ClosedBars(COLUMNS)
    closed.close_until(2_500)
    for shown, known in ((COLUMNS, ALL), (closed, ALL[:2_500])):
        if -len(known) <= place < len(known):
            assert shown[place] == known[place]
        else:
            with pytest.raises(IndexError):
                shown[place]


def test_what_was_let_go_is_made_again_the_same() -> None:
    many = bars(MANY)
    columns = CandleColumns.of(many)

    assert list(columns) == many
    assert (columns[0], columns[-1], len(columns)) == (many[0], many[-1], MANY)
    assert candles_between(columns, 1_000, 2_100) == many[1_000:2_100]
    assert CandleColumns.of(columns) is columns
    joined = CandleColumns.joined(each.columns for each in map(CandleColumns.of, (many, many)))
    assert list(joined) == many * 2
    assert list(CandleColumns.of([])) == list(CandleColumns.joined([])) == []
