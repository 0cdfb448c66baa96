"""Candles and coverage as a terminal shows them."""

from datetime import date, timedelta

import pytest

from made_candles import candle, ist, minutes
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import empty_frame, to_frame
from munshi.market.chart import draw_candles, draw_coverage
from munshi.market.quality import Coverage, DayCoverage

RISING = candle(ist("2024-01-01 15:25"), price=100_000, high=140_000, low=100_000, close=120_000)
FALLING = candle(ist("2024-01-02 09:15"), price=120_000, high=120_000, low=100_000, close=110_000)


def test_one_column_a_bar_with_body_and_wick() -> None:
    drawn = draw_candles(
        to_frame([RISING, FALLING]),
        interval=Interval.FIVE_MINUTES,
        width=40,
        height=5,
        ascii_only=True,
    )

    assert [line.rstrip() for line in drawn.plain.splitlines()] == [
        "14.00 |:",
        "      |:",
        "      |#o",
        "      |#o",
        "10.00 |#:",
        "       01 Jan",
    ]


def test_rising_and_falling_differ_without_colour_too() -> None:
    drawn = draw_candles(
        to_frame([RISING, FALLING]),
        interval=Interval.FIVE_MINUTES,
        width=40,
        height=5,
        ascii_only=False,
    )

    assert "█░" in drawn.plain
    assert {str(span.style) for span in drawn.spans} == {"green", "red"}


def test_the_last_bars_that_fit_are_shown_with_their_days() -> None:
    first = minutes("2024-01-01 09:15", count=75, step=5)
    second = minutes("2024-01-02 09:15", count=40, step=5)

    drawn = draw_candles(
        first.vstack(second), interval=Interval.FIVE_MINUTES, width=80, height=8, ascii_only=True
    )

    lines = drawn.plain.splitlines()
    assert max(len(line) for line in lines) == 80
    axis = lines[-1]
    columns = 80 - axis.index("01 Jan")
    assert axis.index("02 Jan") == axis.index("01 Jan") + columns - 40


def test_daily_bars_are_labelled_by_month() -> None:
    days = [candle(ist("2024-01-31 00:00") + timedelta(days=day)) for day in range(12)]

    drawn = draw_candles(
        to_frame(days), interval=Interval.ONE_DAY, width=60, height=6, ascii_only=True
    )

    assert drawn.plain.splitlines()[-1].strip() == "Jan 2024"


@pytest.mark.parametrize("height", [1, 2, 30])
def test_a_flat_market_and_any_height_can_be_drawn(height: int) -> None:
    flat = candle(ist("2024-01-01 09:15"), price=5, high=5, low=5, close=5)

    drawn = draw_candles(
        to_frame([flat]), interval=Interval.ONE_MINUTE, width=10, height=height, ascii_only=True
    )

    assert drawn.plain.count("#") == 1


def test_nothing_to_draw_says_so() -> None:
    drawn = draw_candles(
        empty_frame(), interval=Interval.ONE_DAY, width=80, height=10, ascii_only=True
    )

    assert drawn.plain == "No candles."


def test_coverage_is_a_line_a_month_and_a_glyph_a_day() -> None:
    counts = {31: 375, 32: 0, 33: 374}
    days = tuple(
        DayCoverage(day=date(2024, 1, 1) + timedelta(days=n - 1), expected=375, present=present)
        for n, present in counts.items()
    )

    drawn = draw_coverage(Coverage(days=days, gaps=()), ascii_only=True)

    assert [line.split() for line in drawn.plain.splitlines()[:2]] == [
        ["Jan", "2024", "#", "375", "of", "375", "bars"],
        ["Feb", "2024", ".+", "374", "of", "750", "bars"],
    ]
