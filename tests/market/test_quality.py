"""Candles are judged one by one and beside each other; what is missing is named."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl
import pytest

from made_candles import candle, ist, minutes
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.errors import CalendarYearUnknownError, DateRangeInvalidError
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA, empty_frame, to_candles, to_frame
from munshi.market.quality import Coverage, Gap, Quality, Reason, Refusal, coverage, validate

CALENDAR = MarketCalendar.packaged()
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OPEN = ist("2024-01-01 09:15")


def judge(
    bars: pl.DataFrame | Sequence[Candle],
    *,
    interval: Interval = Interval.ONE_MINUTE,
    segment: Segment = Segment.CASH,
    now: datetime = NOW,
) -> Quality:
    frame = bars if isinstance(bars, pl.DataFrame) else to_frame(bars)
    return validate(frame, interval=interval, segment=segment, calendar=CALENDAR, now=now)


def cover(
    bars: pl.DataFrame,
    *,
    start: date,
    end: date,
    interval: Interval = Interval.ONE_MINUTE,
    now: datetime = NOW,
) -> Coverage:
    return coverage(
        bars,
        start=start,
        end=end,
        interval=interval,
        segment=Segment.CASH,
        calendar=CALENDAR,
        now=now,
    )


def reasons(quality: Quality) -> dict[Reason, int]:
    return {refusal.reason: refusal.rows for refusal in quality.refusals}


def test_a_clean_day_is_accepted_whole() -> None:
    day = minutes("2024-01-01 09:15", count=375)

    quality = judge(day)

    assert quality.accepted.equals(day)
    assert quality.refusals == ()
    assert quality.refused.is_empty()
    assert quality.out_of_order == 0


def test_rows_in_any_order_are_put_in_order_and_counted() -> None:
    day = minutes("2024-01-01 09:15", count=3)

    quality = judge(pl.concat([day[1:], day[:1]]))

    assert quality.accepted.equals(day)
    assert quality.out_of_order == 1


@pytest.mark.parametrize(
    ("bar", "reason"),
    [
        (candle(ist("2024-01-01 09:14")), Reason.OUTSIDE_SESSION),
        (candle(ist("2024-01-01 15:30")), Reason.OUTSIDE_SESSION),
        (candle(ist("2024-01-26 09:15")), Reason.OUTSIDE_SESSION),
        (candle(ist("2024-03-02 10:30")), Reason.OUTSIDE_SESSION),
        (candle(ist("2024-01-01 09:15:59")), Reason.OFF_GRID),
        (candle(OPEN, low=0), Reason.PRICE_NOT_POSITIVE),
        (candle(OPEN, high=217_277_499), Reason.RANGE_WRONG),
        (candle(OPEN, low=217_277_501), Reason.RANGE_WRONG),
        (candle(OPEN, close=217_287_001), Reason.RANGE_WRONG),
        (candle(OPEN, volume=-1), Reason.COUNT_NEGATIVE),
        (candle(OPEN, oi=-1), Reason.COUNT_NEGATIVE),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason(bar: Candle, reason: Reason) -> None:
    good = candle(ist("2024-01-01 10:00"))

    quality = judge([bar, good])

    assert list(to_candles(quality.accepted)) == [good]
    assert quality.refusals == (
        Refusal(
            reason=reason,
            rows=1,
            days=(bar.opens.date(),),
            examples=(bar.opens,),
        ),
    )
    assert quality.refused["reason"].to_list() == [reason]


def test_high_and_low_may_equal_open_and_close() -> None:
    flat = candle(OPEN, price=100_000, high=100_000, low=100_000, close=100_000)

    assert judge([flat]).refusals == ()


@pytest.mark.parametrize("column", ["opens", "open", "volume"])
def test_a_row_with_an_empty_cell_is_refused(column: str) -> None:
    bars = minutes("2024-01-01 09:15", count=2)
    holed = bars.with_columns(pl.when(pl.int_range(pl.len()) > 0).then(pl.col(column)))

    quality = judge(holed.cast(CANDLE_SCHEMA))

    assert quality.accepted.equals(bars[1:])
    assert reasons(quality) == {Reason.INCOMPLETE: 1}


def test_the_bar_that_is_still_forming_is_dropped() -> None:
    bars = minutes("2024-01-01 09:15", count=3, step=5)

    halfway = judge(bars, interval=Interval.FIVE_MINUTES, now=ist("2024-01-01 09:29"))
    closed = judge(bars, interval=Interval.FIVE_MINUTES, now=ist("2024-01-01 09:30"))

    assert halfway.accepted.equals(bars[:2])
    assert reasons(halfway) == {Reason.FORMING: 1}
    assert closed.accepted.equals(bars)


def test_the_short_last_hour_has_closed_when_the_session_has() -> None:
    last = [candle(ist("2024-01-01 15:15"))]

    assert judge(last, interval=Interval.ONE_HOUR, now=ist("2024-01-01 15:30")).refusals == ()


def test_todays_daily_bar_is_forming_until_the_last_session_closes() -> None:
    today = [candle(ist("2024-03-02 00:00"))]

    between = judge(today, interval=Interval.ONE_DAY, now=ist("2024-03-02 10:30"))
    after = judge(today, interval=Interval.ONE_DAY, now=ist("2024-03-02 12:30"))

    assert reasons(between) == {Reason.FORMING: 1}
    assert after.refusals == ()


def test_a_daily_bar_is_stamped_at_midnight_of_a_trading_day() -> None:
    bars = [
        candle(ist("2024-01-01 00:00")),
        candle(ist("2024-01-02 09:15")),
        candle(ist("2024-01-26 00:00")),
    ]

    quality = judge(bars, interval=Interval.ONE_DAY)

    assert list(to_candles(quality.accepted)) == bars[:1]
    assert reasons(quality) == {Reason.OFF_GRID: 1, Reason.OUTSIDE_SESSION: 1}


def test_an_hour_is_counted_from_its_session() -> None:
    bars = [candle(ist("2024-03-02 11:30")), candle(ist("2024-03-02 12:15"))]

    quality = judge(bars, interval=Interval.ONE_HOUR)

    assert list(to_candles(quality.accepted)) == bars[:1]
    assert reasons(quality) == {Reason.OFF_GRID: 1}


def test_the_longer_hours_of_fno_are_known_by_date() -> None:
    bars = [candle(ist("2026-07-31 15:35")), candle(ist("2026-08-03 15:35"))]

    assert list(to_candles(judge(bars, segment=Segment.FNO).accepted)) == bars[1:]
    assert judge(bars, segment=Segment.CASH).accepted.is_empty()


def test_candles_of_a_day_with_unknown_hours_are_taken_as_they_come() -> None:
    bars = [candle(ist("2026-11-08 18:30")), candle(ist("2026-11-08 09:15"))]

    assert judge(bars).refusals == ()


def test_of_equal_rows_one_is_taken() -> None:
    bars = minutes("2024-01-01 09:15", count=2)

    quality = judge(pl.concat([bars, bars[:1], bars[:1]]))

    assert quality.accepted.equals(bars)
    assert reasons(quality) == {Reason.REPEATED: 2}


def test_of_rows_that_contradict_each_other_none_is_taken() -> None:
    bars = [candle(OPEN), candle(OPEN, volume=150), candle(OPEN), candle(ist("2024-01-01 09:16"))]

    quality = judge(bars)

    assert list(to_candles(quality.accepted)) == bars[3:]
    assert reasons(quality) == {Reason.CONFLICTING: 3}


def test_a_row_that_is_wrong_by_itself_does_not_spoil_its_twin() -> None:
    quality = judge([candle(OPEN, low=0), candle(OPEN)])

    assert list(to_candles(quality.accepted)) == [candle(OPEN)]
    assert reasons(quality) == {Reason.PRICE_NOT_POSITIVE: 1}


def test_a_refusal_names_every_day_and_the_first_rows() -> None:
    late = pl.concat([minutes("2024-01-20 15:30", count=5), minutes("2024-01-22 09:15", count=375)])

    (refusal,) = judge(late).refusals[:1]

    assert refusal.reason is Reason.OUTSIDE_SESSION
    assert refusal.days[0] == date(2024, 1, 20)
    assert refusal.examples == tuple(ist(f"2024-01-20 15:3{minute}") for minute in range(3))


def test_no_rows_are_judged_without_a_word() -> None:
    quality = judge(empty_frame())

    assert quality.accepted.schema == CANDLE_SCHEMA
    assert quality.accepted.is_empty()
    assert quality.refusals == ()


def test_a_year_the_calendar_does_not_cover_is_an_error() -> None:
    with pytest.raises(CalendarYearUnknownError):
        judge([candle(ist("1970-01-01 09:15"))])


def test_full_days_are_covered_without_gaps() -> None:
    bars = pl.concat(
        [
            minutes("2024-03-01 09:15", count=375),
            minutes("2024-03-02 09:15", count=45),
            minutes("2024-03-02 11:30", count=60),
        ]
    )

    found = cover(bars, start=date(2024, 3, 1), end=date(2024, 3, 3))

    assert [(day.day, day.expected, day.present) for day in found.days] == [
        (date(2024, 3, 1), 375, 375),
        (date(2024, 3, 2), 105, 105),
    ]
    assert found.gaps == ()
    assert found.missing_days == ()
    assert (found.expected, found.present) == (480, 480)


def test_gaps_within_a_day_are_ranges_and_whole_days_are_named() -> None:
    day = minutes("2024-01-01 09:15", count=75, step=5)
    holed = pl.concat([day[2:10], day[11:74]])

    found = cover(
        holed, start=date(2024, 1, 1), end=date(2024, 1, 3), interval=Interval.FIVE_MINUTES
    )

    assert found.missing_days == (date(2024, 1, 2), date(2024, 1, 3))
    assert found.gaps == (
        Gap(first=ist("2024-01-01 09:15"), last=ist("2024-01-01 09:20"), bars=2),
        Gap(first=ist("2024-01-01 10:05"), last=ist("2024-01-01 10:05"), bars=1),
        Gap(first=ist("2024-01-01 15:25"), last=ist("2024-01-01 15:25"), bars=1),
    )
    assert (found.expected, found.present) == (225, 71)


def test_a_gap_does_not_run_over_night() -> None:
    bars = pl.concat(
        [minutes("2024-01-01 09:15", count=370), minutes("2024-01-02 09:20", count=370)]
    )

    found = cover(bars, start=date(2024, 1, 1), end=date(2024, 1, 2))

    assert [gap.bars for gap in found.gaps] == [5, 5]


def test_bars_that_have_not_closed_are_not_missing() -> None:
    bars = minutes("2024-01-01 09:15", count=2)

    found = cover(
        bars, start=date(2024, 1, 1), end=date(2024, 1, 2), now=ist("2024-01-01 09:17:30")
    )

    assert (found.expected, found.present) == (2, 2)
    assert found.missing_days == ()


def test_daily_bars_are_counted_by_trading_day() -> None:
    bars = to_frame([candle(ist("2024-01-25 00:00"))])

    found = cover(bars, start=date(2024, 1, 25), end=date(2024, 1, 29), interval=Interval.ONE_DAY)

    assert found.missing_days == (date(2024, 1, 29),)
    assert (found.expected, found.present) == (2, 1)


def test_a_range_backwards_is_refused() -> None:
    with pytest.raises(DateRangeInvalidError):
        cover(empty_frame(), start=date(2024, 1, 2), end=date(2024, 1, 1))
