"""The packaged calendar: known days, known hours, and no guess beyond them."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar, Segment, Session, SessionKind
from munshi.domain.market.intervals import Interval
from munshi.errors import CalendarYearUnknownError, DateRangeInvalidError

CALENDAR = MarketCalendar.packaged()
DAYS = st.dates(min_value=date(2015, 1, 1), max_value=date(2026, 12, 31))
SEGMENTS = st.sampled_from(list(Segment))
INTERVALS = st.sampled_from(list(Interval))


def hours(sessions: tuple[Session, ...]) -> list[str]:
    return [f"{session.opens:%H:%M}-{session.closes:%H:%M}" for session in sessions]


def count(day: date, segment: Segment = Segment.CASH) -> int:
    return len(CALENDAR.bar_opens(day, Interval.ONE_MINUTE, segment))


@pytest.mark.parametrize("year", range(2015, 2027))
def test_a_year_has_a_plausible_number_of_trading_days(year: int) -> None:
    days = CALENDAR.trading_days(date(year, 1, 1), date(year, 12, 31))

    assert 240 <= len(days) <= 252


@pytest.mark.parametrize("year", [2014, 2027])
def test_a_year_outside_the_table_is_an_error_that_names_the_remedy(year: int) -> None:
    with pytest.raises(CalendarYearUnknownError) as refusal:
        CALENDAR.sessions(date(year, 6, 2), Segment.CASH)

    assert "2015 to 2026" in refusal.value.detail
    assert refusal.value.hint is not None
    assert "munshi calendar import FILE" in refusal.value.hint


def test_looking_beyond_the_last_known_year_is_an_error_too() -> None:
    with pytest.raises(CalendarYearUnknownError):
        CALENDAR.next_trading_day(date(2026, 12, 31))

    with pytest.raises(CalendarYearUnknownError):
        CALENDAR.trading_days(date(2026, 12, 1), date(2027, 1, 31))


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-15 2026-01-26 2026-03-03 2026-03-26 2026-03-31 2026-04-03 2026-04-14 2026-05-01",
        "2026-05-28 2026-06-26 2026-09-14 2026-10-02 2026-10-20 2026-11-10 2026-11-24 2026-12-25",
        "2024-01-22 2024-05-20 2024-11-20",
    ],
)
def test_a_holiday_is_closed_and_has_a_name(day: str) -> None:
    for each in map(date.fromisoformat, day.split()):
        assert CALENDAR.sessions(each, Segment.CASH) == ()
        assert not CALENDAR.is_trading_day(each)
        assert CALENDAR.holiday_name(each)


def test_no_other_weekday_of_2026_is_closed() -> None:
    closed = [
        day
        for offset in range(365)
        if (day := date(2026, 1, 1) + timedelta(days=offset)).weekday() < 5
        and not CALENDAR.is_trading_day(day)
    ]

    assert len(closed) == 16


def test_an_ordinary_friday_is_open_and_its_weekend_is_not() -> None:
    friday = date(2026, 11, 20)

    assert hours(CALENDAR.sessions(friday, Segment.CASH)) == ["09:15-15:30"]
    assert CALENDAR.holiday_name(friday) is None
    assert CALENDAR.sessions(friday + timedelta(days=1), Segment.CASH) == ()
    assert CALENDAR.next_trading_day(friday) == date(2026, 11, 23)
    assert CALENDAR.previous_trading_day(date(2026, 11, 23)) == friday


@pytest.mark.parametrize(
    ("segment", "before", "since"),
    [
        (Segment.CASH, "09:15-15:30", "09:15-15:30"),
        (Segment.CASH_CAS, "09:15-15:30", "09:15-15:15"),
        (Segment.FNO, "09:15-15:30", "09:15-15:40"),
    ],
)
def test_the_hours_changed_with_the_closing_auction_of_august_2026(
    segment: Segment, before: str, since: str
) -> None:
    assert hours(CALENDAR.sessions(date(2026, 7, 31), segment)) == [before]
    assert hours(CALENDAR.sessions(date(2026, 8, 3), segment)) == [since]


def test_an_ordinary_day_has_the_bars_of_its_segment() -> None:
    july, august = date(2026, 7, 31), date(2026, 8, 3)

    assert [count(july, segment) for segment in Segment] == [375, 375, 375]
    assert [count(august, segment) for segment in Segment] == [375, 360, 385]


def test_hourly_bars_open_at_a_quarter_past_and_the_last_is_short() -> None:
    stamps = CALENDAR.bar_opens(date(2026, 11, 20), Interval.ONE_HOUR, Segment.CASH)

    assert [f"{stamp:%H:%M}" for stamp in stamps] == [f"{hour:02}:15" for hour in range(9, 16)]


def test_five_minute_bars_run_from_the_opening_to_the_last_five_minutes() -> None:
    stamps = CALENDAR.bar_opens(date(2026, 11, 20), Interval.FIVE_MINUTES, Segment.FNO)

    assert len(stamps) == 77
    assert [f"{stamps[0]:%H:%M}", f"{stamps[-1]:%H:%M}"] == ["09:15", "15:35"]


def test_the_daily_bar_is_stamped_at_midnight_in_india() -> None:
    day = date(2026, 11, 20)

    stamps = CALENDAR.bar_opens(day, Interval.ONE_DAY, Segment.CASH)

    assert stamps == [datetime.combine(day, time(0), IST)]
    assert stamps[0].utcoffset() == timedelta(hours=5, minutes=30)


@pytest.mark.parametrize("day", [date(2024, 3, 2), date(2024, 5, 18)])
def test_a_recovery_drill_has_two_short_sessions(day: date) -> None:
    sessions = CALENDAR.sessions(day, Segment.CASH)

    assert hours(sessions) == ["09:15-10:00", "11:30-12:30"]
    assert {session.kind for session in sessions} == {SessionKind.SPECIAL}
    assert count(day) == 105
    assert CALENDAR.is_settlement_day(day)


def test_no_bar_spans_the_pause_between_two_sessions() -> None:
    stamps = CALENDAR.bar_opens(date(2024, 3, 2), Interval.ONE_HOUR, Segment.CASH)

    assert [f"{stamp:%H:%M}" for stamp in stamps] == ["09:15", "11:30"]


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        (date(2016, 10, 30), "18:30-19:30"),
        (date(2024, 11, 1), "18:00-19:00"),
        (date(2025, 10, 21), "13:45-14:45"),
    ],
)
def test_muhurat_is_traded_but_nothing_settles(day: date, opens: str) -> None:
    sessions = CALENDAR.sessions(day, Segment.FNO)

    assert hours(sessions) == [opens]
    assert sessions[0].kind is SessionKind.MUHURAT
    assert CALENDAR.is_trading_day(day)
    assert not CALENDAR.is_settlement_day(day)


@pytest.mark.parametrize("year", range(2015, 2027))
def test_every_year_has_its_muhurat_session(year: int) -> None:
    autumn = [date(year, 10, 10) + timedelta(days=offset) for offset in range(45)]
    muhurat = [
        day
        for day in autumn
        if CALENDAR.has_unknown_hours(day)
        or any(s.kind is SessionKind.MUHURAT for s in CALENDAR.sessions(day, Segment.CASH))
    ]

    assert len(muhurat) == 1


def test_the_muhurat_of_2026_has_no_invented_hours() -> None:
    day = date(2026, 11, 8)

    assert CALENDAR.has_unknown_hours(day)
    assert CALENDAR.sessions(day, Segment.CASH) == ()
    assert not CALENDAR.is_trading_day(day)
    assert CALENDAR.bar_opens(day, Interval.ONE_DAY, Segment.CASH) == []
    assert not CALENDAR.has_unknown_hours(date(2026, 11, 10))


@pytest.mark.parametrize(
    "day", [date(2015, 2, 28), date(2020, 2, 1), date(2025, 2, 1), date(2026, 2, 1)]
)
def test_a_budget_day_on_a_weekend_is_a_full_day(day: date) -> None:
    assert day.weekday() >= 5
    assert count(day) == 375


def test_the_outage_of_2021_moved_the_afternoon() -> None:
    sessions = CALENDAR.sessions(date(2021, 2, 24), Segment.CASH)

    assert hours(sessions) == ["09:15-11:40", "15:45-17:00"]


def test_a_range_backwards_is_refused() -> None:
    with pytest.raises(DateRangeInvalidError, match="before it starts"):
        CALENDAR.trading_days(date(2026, 11, 20), date(2026, 11, 19))


def test_both_ends_of_a_range_are_included() -> None:
    assert CALENDAR.trading_days(date(2026, 11, 20), date(2026, 11, 23)) == [
        date(2026, 11, 20),
        date(2026, 11, 23),
    ]


def test_the_packaged_calendar_is_read_once() -> None:
    assert MarketCalendar.packaged() is MarketCalendar.packaged()


@given(day=DAYS, segment=SEGMENTS)
def test_a_day_has_sessions_exactly_when_it_is_a_trading_day(day: date, segment: Segment) -> None:
    assert bool(CALENDAR.sessions(day, segment)) == CALENDAR.is_trading_day(day)


@given(day=DAYS, interval=INTERVALS, segment=SEGMENTS)
def test_bars_are_in_order_and_inside_a_session(
    day: date, interval: Interval, segment: Segment
) -> None:
    stamps = CALENDAR.bar_opens(day, interval, segment)
    sessions = CALENDAR.sessions(day, segment)

    assert stamps == sorted(set(stamps))
    assert interval.is_daily or all(
        any(session.opens <= stamp < session.closes for session in sessions) for stamp in stamps
    )


@given(day=st.dates(min_value=date(2015, 1, 8), max_value=date(2026, 12, 20)))
def test_the_neighbours_of_a_day_enclose_no_trading_day_but_itself(day: date) -> None:
    before, after = CALENDAR.previous_trading_day(day), CALENDAR.next_trading_day(day)

    between = CALENDAR.trading_days(before, after)

    assert between == [before, *([day] if CALENDAR.is_trading_day(day) else []), after]
