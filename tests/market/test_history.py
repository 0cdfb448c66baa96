"""Requests for bars never ask for more than a broker answers in full, and miss no day."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.infrastructure.brokers.breeze.limits import INTERVALS as BREEZE_INTERVALS
from munshi.infrastructure.brokers.breeze.limits import MAX_ROWS, max_sessions
from munshi.infrastructure.brokers.kite.limits import max_span
from munshi.market.history import Reach, Window, cut

CALENDAR = MarketCalendar.packaged()
FIRST, LAST = date(2015, 1, 1), date(2026, 12, 31)
TRADING_DAYS = CALENDAR.trading_days(FIRST, LAST)
UNKNOWN = [
    day
    for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    if CALENDAR.has_unknown_hours(day)
]


@st.composite
def incomplete_days(draw: st.DrawFn) -> Sequence[date]:
    """Trading days in order, from long unbroken runs to a few far apart."""
    start = draw(st.integers(0, len(TRADING_DAYS) - 1))
    count = draw(st.integers(1, 150))
    among = TRADING_DAYS[start : start + count]
    kept = draw(st.sets(st.integers(0, len(among) - 1), min_size=1, max_size=60))
    return among if draw(st.booleans()) else [among[place] for place in sorted(kept)]


@given(days=incomplete_days(), interval=st.sampled_from(sorted(BREEZE_INTERVALS)))
def test_a_breeze_request_never_brings_as_many_rows_as_breeze_cuts_at(
    days: Sequence[date], interval: Interval
) -> None:
    reach = Reach(trading_days=max_sessions(interval, Segment.FNO))

    windows = cut(days, reach=reach, calendar=CALENDAR)

    for window in windows:
        brought = CALENDAR.trading_days(window.first, window.last)
        rows = sum(len(CALENDAR.bar_opens(day, interval, Segment.FNO)) for day in brought)
        assert rows < MAX_ROWS


@given(days=incomplete_days(), interval=st.sampled_from(Interval))
def test_a_kite_request_is_never_longer_than_kite_allows(
    days: Sequence[date], interval: Interval
) -> None:
    windows = cut(days, reach=Reach(span=max_span(interval)), calendar=CALENDAR)

    assert all(window.closes - window.opens <= max_span(interval) for window in windows)


@given(days=incomplete_days(), most=st.integers(1, 20), span=st.integers(1, 100))
def test_requests_are_in_order_apart_and_hold_every_day_asked_for(
    days: Sequence[date], most: int, span: int
) -> None:
    reach = Reach(trading_days=most, span=timedelta(days=span))

    windows = cut(days, reach=reach, calendar=CALENDAR)

    assert all(any(w.first <= day <= w.last for w in windows) for day in days)
    assert all(before.last < after.first for before, after in pairwise(windows))
    assert all(window.first in days and window.last in days for window in windows)


@given(days=incomplete_days(), most=st.integers(1, 20))
def test_no_two_requests_that_follow_each_other_fit_into_one(
    days: Sequence[date], most: int
) -> None:
    windows = cut(days, reach=Reach(trading_days=most), calendar=CALENDAR)

    for before, after in pairwise(windows):
        together = [day for day in days if before.first <= day <= after.first]
        brought = CALENDAR.trading_days(together[0], together[-1])
        perhaps = [day for day in UNKNOWN if together[0] <= day <= together[-1]]
        assert len(brought) + len(perhaps) > most


def test_two_days_far_apart_are_two_requests_where_the_days_between_would_not_fit() -> None:
    days = [date(2026, 1, 5), date(2026, 11, 5)]

    windows = cut(days, reach=Reach(trading_days=13), calendar=CALENDAR)

    assert [(window.first, window.last) for window in windows] == [(day, day) for day in days]


def test_a_day_of_unknown_hours_between_counts_as_one_that_brings_bars() -> None:
    unknown = UNKNOWN[0]
    around = [CALENDAR.previous_trading_day(unknown), CALENDAR.next_trading_day(unknown)]

    windows = cut(around, reach=Reach(trading_days=2), calendar=CALENDAR)

    assert len(windows) == 2


def test_nothing_to_collect_is_no_request() -> None:
    assert cut([], reach=Reach(trading_days=1), calendar=CALENDAR) == []


def test_a_window_is_whole_days_in_india() -> None:
    window = Window(first=date(2026, 11, 19), last=date(2026, 11, 20))

    assert window.opens.isoformat() == "2026-11-19T00:00:00+05:30"
    assert window.closes.isoformat() == "2026-11-20T23:59:59+05:30"
