"""Expected bars as frames agree with the calendar's own list, bar by bar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from made_candles import ist
from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval
from munshi.errors import CalendarYearUnknownError
from munshi.infrastructure.candles.frames import empty_frame
from munshi.market.session_bars import expected_bars, place_bars, session_frame

CALENDAR = MarketCalendar.packaged()
LATER = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = [
    date(2024, 1, 1),
    date(2024, 1, 20),  # a Saturday, all day
    date(2024, 1, 26),  # a holiday
    date(2024, 3, 2),  # two short sessions
    date(2024, 11, 1),  # Muhurat in the evening
    date(2026, 8, 3),  # F&O until 15:40 from here on
]


@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize("segment", Segment)
def test_expected_bars_are_those_of_the_calendar(interval: Interval, segment: Segment) -> None:
    listed = [stamp for day in DAYS for stamp in CALENDAR.bar_opens(day, interval, segment)]

    bars = expected_bars(DAYS, interval=interval, segment=segment, calendar=CALENDAR, now=LATER)

    assert bars["opens"].to_list() == listed
    assert (bars["ends"] > bars["opens"]).all()


def test_a_bar_is_expected_from_the_moment_it_closes() -> None:
    def opens_by(now: datetime) -> list[datetime]:
        bars = expected_bars(
            [date(2024, 1, 1)],
            interval=Interval.ONE_HOUR,
            segment=Segment.CASH,
            calendar=CALENDAR,
            now=now,
        )
        return bars["opens"].to_list()

    before = opens_by(ist("2024-01-01 15:29"))
    at_close = opens_by(ist("2024-01-01 15:30"))

    assert before[-1] == ist("2024-01-01 14:15")
    assert at_close == [*before, ist("2024-01-01 15:15")]


def test_the_daily_bar_closes_with_the_last_session() -> None:
    bars = expected_bars(
        [date(2024, 3, 2)],
        interval=Interval.ONE_DAY,
        segment=Segment.CASH,
        calendar=CALENDAR,
        now=LATER,
    )

    assert bars.rows() == [
        (date(2024, 3, 2), ist("2024-03-02 00:00"), ist("2024-03-02 12:30")),
    ]


def test_no_days_have_no_bars_and_no_rows_have_no_place() -> None:
    bars = expected_bars(
        [], interval=Interval.ONE_MINUTE, segment=Segment.CASH, calendar=CALENDAR, now=LATER
    )
    placed = place_bars(
        empty_frame(), interval=Interval.ONE_MINUTE, segment=Segment.CASH, calendar=CALENDAR
    )

    assert bars.is_empty()
    assert placed.is_empty()


def test_a_day_of_unknown_hours_is_one_long_session_on_the_usual_grid() -> None:
    day = date(2026, 11, 8)
    assert CALENDAR.has_unknown_hours(day)

    sessions = session_frame([day], segment=Segment.CASH, calendar=CALENDAR)

    (only,) = sessions.iter_rows(named=True)
    assert not only["hours_known"]
    assert only["session_closes"] == datetime(2026, 11, 9, tzinfo=IST)
    opening_bell = datetime(2026, 11, 8, 9, 15, tzinfo=IST)
    for interval in Interval:
        if not interval.is_daily:
            assert (opening_bell - only["session_opens"]) % interval.span == timedelta(0)


def test_a_year_the_calendar_does_not_cover_is_an_error() -> None:
    with pytest.raises(CalendarYearUnknownError):
        session_frame([date(1999, 1, 4)], segment=Segment.CASH, calendar=CALENDAR)
