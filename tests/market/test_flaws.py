"""Faults are planted in clean bars, and exactly they are found."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl
import pytest

from made_candles import candle, ist, minutes
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.data_quality import Finding, Flaw
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import empty_frame, to_frame
from munshi.market.flaws import flaws_alone, outliers, volume_flaws
from munshi.market.quality import validate

CALENDAR = MarketCalendar.packaged()
DAY = "2024-01-{:02d}"
PLACE = 40
STAMP = pl.lit(ist("2024-01-02 09:55")).dt.convert_time_zone("UTC")
HERE = pl.col("opens") == STAMP


def four_days() -> pl.DataFrame:
    """Monday to Thursday of 5-minute bars whose volumes go up and down."""
    bars = pl.concat([minutes(f"2024-01-0{day} 09:15", count=75, step=5) for day in (1, 2, 3, 4)])
    return bars.with_columns(volume=75 + 25 * (pl.int_range(pl.len()) % 3)).cast(bars.schema)


def judge(bars: pl.DataFrame, *, is_option: bool = False) -> list[Finding]:
    judged = validate(
        bars,
        interval=Interval.FIVE_MINUTES,
        segment=Segment.CASH,
        calendar=CALENDAR,
        now=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
    )
    return [
        *flaws_alone(bars, judged),
        *outliers(
            judged.accepted,
            before=empty_frame(),
            after=empty_frame(),
            interval=Interval.FIVE_MINUTES,
            is_option=is_option,
        ),
        *volume_flaws(judged.accepted, Interval.FIVE_MINUTES),
    ]


def put(**values: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Other values in the bar of Tuesday 09:55."""
    return lambda bars: bars.with_columns(
        pl.when(HERE).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    ).cast(bars.schema)


def only(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.filter(HERE)


def with_extra(stamp: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: pl.concat([bars, to_frame([candle(ist(stamp))])]).sort("opens")


def running_totals(bars: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("opens").dt.convert_time_zone("Asia/Kolkata").dt.date() == date(2024, 1, 2)
    total = pl.col("volume").cum_sum().over(day)
    return bars.with_columns(volume=pl.when(day).then(total).otherwise(pl.col("volume")))


def no_volume(bars: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("opens").dt.convert_time_zone("Asia/Kolkata").dt.date() == date(2024, 1, 2)
    return bars.with_columns(volume=pl.when(day).then(0).otherwise(pl.col("volume")))


def test_clean_bars_have_no_flaw() -> None:
    assert judge(four_days()) == []


@pytest.mark.parametrize(
    ("plant", "flaw", "bars", "day"),
    [
        (lambda b: pl.concat([b, only(b)]).sort("opens"), Flaw.REPEATED, 1, 2),
        (
            lambda b: pl.concat([b, only(b).with_columns(volume=pl.col("volume") + 1)]).sort(
                "opens"
            ),
            Flaw.CONFLICTING,
            2,
            2,
        ),
        (lambda b: pl.concat([b.filter(~HERE), only(b)]), Flaw.OUT_OF_ORDER, 1, 2),
        (put(close=pl.lit(None)), Flaw.INCOMPLETE, 1, 2),
        (with_extra("2024-01-02 15:30"), Flaw.OUTSIDE_SESSION, 1, 2),
        (with_extra("2024-01-06 10:00"), Flaw.OUTSIDE_SESSION, 1, 6),
        (with_extra("2024-01-02 09:57"), Flaw.OFF_GRID, 1, 2),
        (put(low=pl.lit(0)), Flaw.PRICE_NOT_POSITIVE, 1, 2),
        (put(high=pl.col("low")), Flaw.RANGE_WRONG, 1, 2),
        (put(volume=pl.lit(-5)), Flaw.COUNT_NEGATIVE, 1, 2),
        (put(high=pl.col("high") * 2), Flaw.PRICE_OUTLIER, 1, 2),
        (put(low=pl.col("low") // 10), Flaw.PRICE_OUTLIER, 1, 2),
        (no_volume, Flaw.VOLUME_LOST, 75, 2),
        (running_totals, Flaw.VOLUME_RESET, 75, 2),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(
    plant: Callable[[pl.DataFrame], pl.DataFrame], flaw: Flaw, bars: int, day: int
) -> None:
    [found] = judge(plant(four_days()))

    assert (found.flaw, found.bars, found.days) == (flaw, bars, (date(2024, 1, day),))
    assert found.examples[0].astimezone(UTC).date() == date(2024, 1, day)


def test_a_running_total_that_begins_anew_within_the_day_is_counted() -> None:
    bars = running_totals(four_days())
    later = (pl.col("opens") >= STAMP) & (pl.col("volume") > 1000)
    broken = bars.with_columns(
        volume=pl.when(later).then(pl.col("volume") - 700).otherwise(pl.col("volume"))
    )

    [found] = judge(broken)

    assert found.flaw is Flaw.VOLUME_RESET
    assert found.detail == "begun anew 1 times within a day"


def test_a_price_that_stays_where_it_went_is_no_outlier() -> None:
    bars = four_days()
    halved = bars.with_columns(
        pl.when(pl.col("opens") >= STAMP)
        .then(pl.col(name) // 2)
        .otherwise(pl.col(name))
        .alias(name)
        for name in ("open", "high", "low", "close")
    )

    assert judge(halved) == []


def test_an_option_may_move_where_a_share_may_not() -> None:
    moved = put(high=pl.col("high") * 13 // 10)(four_days())

    assert [one.flaw for one in judge(moved)] == [Flaw.PRICE_OUTLIER]
    assert judge(moved, is_option=True) == []


def test_what_comes_in_the_next_month_tells_an_outlier_at_the_end_of_this_one() -> None:
    bars = four_days()
    spiked = put(close=pl.col("high") * 3, high=pl.col("high") * 3)(bars).filter(
        pl.col("opens") <= STAMP
    )
    after = bars.filter(pl.col("opens") > STAMP)

    def flaws(following: pl.DataFrame) -> list[Flaw]:
        found = outliers(
            spiked,
            before=empty_frame(),
            after=following,
            interval=Interval.FIVE_MINUTES,
            is_option=False,
        )
        return [one.flaw for one in found]

    assert flaws(after) == [Flaw.PRICE_OUTLIER]
    assert flaws(empty_frame()) == []


def test_an_index_without_volume_has_lost_none() -> None:
    assert judge(four_days().with_columns(volume=pl.lit(0, dtype=pl.Int64))) == []
