"""When the market needs the desk, by the calendar; and what holds where it does not say."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.errors import CalendarYearUnknownError

BEFORE_OPEN = timedelta(minutes=30)
# Counting further back would only say more precisely that data are old.
_FAR_BEHIND = 30


def needed_until(calendar: MarketCalendar, now: datetime) -> datetime | None:
    """The close of the day's trading, from half an hour before it opens; else None."""
    try:
        sessions = calendar.sessions(now.astimezone(IST).date(), Segment.CASH)
    except CalendarYearUnknownError:
        return None
    if not sessions or not sessions[0].opens - BEFORE_OPEN <= now < sessions[-1].closes:
        return None
    return sessions[-1].closes


def is_trading_day(calendar: Callable[[], MarketCalendar], now: datetime) -> bool:
    """Whether the market trades today; true where the calendar does not say."""
    try:
        return bool(calendar().sessions(now.astimezone(IST).date(), Segment.CASH))
    except CalendarYearUnknownError:
        return True


def last_closed_day(calendar: MarketCalendar, now: datetime, *, grace: timedelta) -> date:
    """The last trading day whose close is more than `grace` ago.

    Raises CalendarYearUnknownError.
    """
    day = now.astimezone(IST).date()
    sessions = calendar.sessions(day, Segment.CASH)
    if sessions and sessions[-1].closes + grace <= now:
        return day
    return calendar.previous_trading_day(day)


def days_behind(calendar: MarketCalendar, held: date, last: date) -> int:
    """How many trading days up to `last` come after `held`; counted up to 30.

    Raises CalendarYearUnknownError.
    """
    count = 0
    while last > held and count < _FAR_BEHIND:
        count += 1
        last = calendar.previous_trading_day(last)
    return count
