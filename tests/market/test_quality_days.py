"""Every day of a stretch is something, and every missing bar has one reason."""

import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from made_candles import candle
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import CandleGap, MissingReason, SeenGap
from munshi.domain.market.data_quality import (
    Absence,
    DayCounts,
    Missing,
    MonthQuality,
    SeriesQuality,
)
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame
from munshi.market.gaps import HeldDay
from munshi.market.quality import coverage
from munshi.market.quality_days import count_days, missing_stretches
from munshi.settings import BrokerMode

CALENDAR = MarketCalendar.packaged()
NOW = datetime(2024, 3, 21, 7, 0, tzinfo=UTC)
FIRST, LAST = date(2024, 2, 20), date(2024, 3, 31)
REASONS = st.sampled_from([None, *MissingReason])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_held_and_what_is_missing_are_all_that_is_expected(data: st.DataObject) -> None:
    days = CALENDAR.trading_days(FIRST, LAST)
    stamps = [
        stamp for day in days for stamp in CALENDAR.bar_opens(day, Interval.ONE_HOUR, Segment.CASH)
    ]
    held = data.draw(st.sets(st.sampled_from(stamps)))
    found = coverage(
        to_frame(candle(stamp) for stamp in sorted(held)),
        start=FIRST,
        end=LAST,
        interval=Interval.ONE_HOUR,
        segment=Segment.CASH,
        calendar=CALENDAR,
        now=NOW,
    )
    reasons = data.draw(st.lists(REASONS, min_size=len(found.days), max_size=len(found.days)))
    explained = [
        HeldDay(day=one.day, expected=one.expected, present=one.present, reason=reason, seen=None)
        for one, reason in zip(found.days, reasons, strict=True)
    ]

    missing = list(missing_stretches(explained, is_readable=True, is_imported=False))
    counts = count_days(FIRST, LAST, explained, CALENDAR, today=date(2024, 3, 21))

    assert found.present + sum(one.bars for one in missing) == found.expected
    assert counts.whole + sum(one.days for one in missing) == counts.trading
    assert counts.total == (LAST - FIRST).days + 1
    assert all(one.last < other.first for one, other in itertools.pairwise(missing))


def test_the_days_that_did_not_trade_are_told_apart() -> None:
    counts = count_days(date(2024, 3, 20), date(2024, 3, 31), [], CALENDAR, today=date(2024, 3, 20))

    assert counts == DayCounts(
        weekends=4, holidays=(date(2024, 3, 25), date(2024, 3, 29)), to_come=6
    )


def held(day: date, present: int, reason: MissingReason | None, detail: str = "") -> HeldDay:
    gap = reason and CandleGap(day=day, reason=reason, expected=7, present=present, detail=detail)
    seen = gap and SeenGap(gap=gap, first_seen=NOW, last_seen=NOW, job_id=uuid4())
    return HeldDay(day=day, expected=7, present=present, reason=reason, seen=seen or None)


def test_days_in_a_row_with_one_reason_are_one_stretch() -> None:
    monday = date(2024, 3, 4)
    days = [
        held(monday, 0, MissingReason.QUOTA, "5,000 used"),
        held(monday + timedelta(days=1), 0, MissingReason.QUOTA, "5,000 used"),
        held(monday + timedelta(days=2), 7, None),
        held(monday + timedelta(days=3), 5, None),
    ]

    assert list(missing_stretches(days, is_readable=True, is_imported=False)) == [
        Missing(
            reason=Absence.QUOTA,
            first=monday,
            last=monday + timedelta(days=1),
            days=2,
            bars=14,
            detail="5,000 used",
        ),
        Missing(
            reason=Absence.NOT_ASKED,
            first=monday + timedelta(days=3),
            last=monday + timedelta(days=3),
            days=1,
            bars=2,
        ),
    ]
    [*_, imported] = missing_stretches(days, is_readable=True, is_imported=True)
    [broken, _] = missing_stretches(days, is_readable=False, is_imported=False)
    assert (imported.reason, broken.reason) == (Absence.NOT_IMPORTED, Absence.FILE_DAMAGED)


def month(name: str, first: date, last: date, *missing: tuple[date, date]) -> MonthQuality:
    stretches = tuple(
        Missing(reason=Absence.ERROR, first=begun, last=ended, days=1, bars=7)
        for begun, ended in missing
    )
    return MonthQuality(
        month=name,
        first_day=first,
        last_day=last,
        expected=70,
        present=70 - 7 * len(missing),
        days=DayCounts(trading=10, whole=10 - len(missing)),
        missing=stretches,
        findings=(),
    )


def test_a_stretch_over_the_end_of_a_month_is_told_as_one() -> None:
    april_first, april_last = date(2024, 4, 1), date(2024, 4, 30)
    series = SeriesQuality(
        key=CandleKey(
            mode=BrokerMode.LIVE,
            source="kite",
            exchange="NSE",
            instrument="NIFTY 50",
            interval=Interval.ONE_HOUR,
        ),
        label="kite",
        first=date(2024, 3, 1),
        last=april_last,
        months=(
            month(
                "2024-03",
                date(2024, 3, 1),
                date(2024, 3, 28),
                (date(2024, 3, 5), date(2024, 3, 5)),
                (date(2024, 3, 28), date(2024, 3, 28)),
            ),
            month("2024-04", april_first, april_last, (april_first, april_first)),
        ),
    )

    assert [(one.first, one.last, one.days, one.bars) for one in series.missing] == [
        (date(2024, 3, 5), date(2024, 3, 5), 1, 7),
        (date(2024, 3, 28), april_first, 2, 14),
    ]
    assert series.missing_by_reason == {Absence.ERROR: 21}
    assert series.expected - series.present == 21
