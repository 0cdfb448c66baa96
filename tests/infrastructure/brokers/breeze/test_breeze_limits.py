"""How much history fits into one Breeze answer."""

from datetime import date

import pytest

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import IntervalUnknownError
from munshi.infrastructure.brokers.breeze.limits import INTERVALS, MAX_ROWS, max_sessions

AUTUMN = (date(2026, 10, 1), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("interval", "segment", "sessions"),
    [
        (Interval.ONE_MINUTE, Segment.CASH, 2),
        (Interval.ONE_MINUTE, Segment.FNO, 2),
        (Interval.FIVE_MINUTES, Segment.CASH, 13),
        (Interval.FIVE_MINUTES, Segment.FNO, 12),
        (Interval.THIRTY_MINUTES, Segment.CASH, 76),
        (Interval.ONE_DAY, Segment.CASH, 999),
    ],
)
def test_as_many_whole_days_as_fit(interval: Interval, segment: Segment, sessions: int) -> None:
    assert max_sessions(interval, segment) == sessions


@pytest.mark.parametrize("segment", list(Segment))
@pytest.mark.parametrize("interval", sorted(INTERVALS))
def test_no_window_of_real_trading_days_reaches_the_cut(
    interval: Interval, segment: Segment
) -> None:
    calendar = MarketCalendar.packaged()
    # Since Aug 2026 the derivatives day is the longest there has been.
    last = max(calendar.trading_days(*AUTUMN))
    days = [last]
    while len(days) < min(max_sessions(interval, segment), 150):
        days.append(calendar.previous_trading_day(days[-1]))

    rows = sum(len(calendar.bar_opens(day, interval, segment)) for day in days)

    assert rows < MAX_ROWS


@pytest.mark.parametrize("interval", sorted(set(Interval) - INTERVALS))
def test_bars_breeze_does_not_serve_are_refused_with_those_it_does(interval: Interval) -> None:
    with pytest.raises(IntervalUnknownError) as refusal:
        max_sessions(interval, Segment.CASH)

    assert "1minute, 5minute, 30minute, 1day" in str(refusal.value)
