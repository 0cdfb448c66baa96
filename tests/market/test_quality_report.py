"""What people read about refused and missing candles."""

from datetime import UTC, date, datetime

import polars as pl

from made_candles import candle, ist, minutes
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame
from munshi.market.quality import Coverage, DayCoverage, coverage, validate
from munshi.market.quality_report import describe_coverage, describe_quality

CALENDAR = MarketCalendar.packaged()
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def quality_sentences(frame: pl.DataFrame) -> list[str]:
    return describe_quality(
        validate(
            frame,
            interval=Interval.ONE_MINUTE,
            segment=Segment.CASH,
            calendar=CALENDAR,
            now=NOW,
        )
    )


def test_rows_beyond_the_session_are_named_with_their_day() -> None:
    late = minutes("2024-01-20 15:30", count=167)

    assert quality_sentences(late) == [
        "Refused 167 rows outside any trading session on 20 Jan 2024, the first at 15:30 IST."
    ]


def test_rows_of_several_days_say_which_came_first() -> None:
    late = pl.concat([minutes("2024-01-20 15:30", count=1), minutes("2024-01-19 15:30", count=2)])

    assert quality_sentences(late)[0].endswith(
        "on 19 Jan 2024, 20 Jan 2024, the first at 15:30 IST on 19 Jan 2024."
    )


def test_every_reason_has_its_sentence_and_disorder_too() -> None:
    bars = [candle(ist("2024-01-01 09:16")), candle(ist("2024-01-01 09:15"), low=0)]
    frame = pl.concat([to_frame(bars), to_frame(bars[:1]).with_columns(opens=None)])

    sentences = quality_sentences(frame.cast(to_frame([]).schema))

    assert sentences == [
        "Refused 1 row without a time, a price or a volume.",
        "Refused 1 row with a price that is not above zero on 1 Jan 2024, the first at 09:15 IST.",
        "Put 1 row in order.",
    ]


def test_missing_days_and_gaps_are_named() -> None:
    bars = pl.concat(
        [minutes("2024-01-31 09:15", count=375), minutes("2024-02-02 09:17", count=372)]
    )

    found = coverage(
        bars,
        start=date(2024, 1, 31),
        end=date(2024, 2, 2),
        interval=Interval.ONE_MINUTE,
        segment=Segment.CASH,
        calendar=CALENDAR,
        now=NOW,
    )

    assert describe_coverage(found) == [
        "747 of 1,125 expected bars are there.",
        "Missing 1 trading day: 1 Feb 2024.",
        "Missing 3 bars in 2 gaps: 2 Feb 2024 09:15 to 09:16, 2 Feb 2024 15:29.",
    ]


def test_many_missing_days_are_counted_after_the_first_eight() -> None:
    days = tuple(
        DayCoverage(day=date(2024, 1, day), expected=375, present=0) for day in range(1, 12)
    )

    sentence = describe_coverage(Coverage(days=days, gaps=()))[1]

    assert sentence.startswith("Missing 11 trading days: 1 Jan 2024, 2 Jan 2024,")
    assert sentence.endswith("8 Jan 2024 and 3 more.")
