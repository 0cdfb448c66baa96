"""What the market does at an instant, in words a trader uses."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.sessions import Session, SessionKind
from munshi.errors import CalendarYearUnknownError

# Orders are taken from 09:00, continuous trading begins at 09:15 (NSE, equity market timings).
PRE_OPEN = timedelta(minutes=15)


class MarketPhase(StrEnum):
    """closed is a trading day outside its hours; unknown that the calendar does not say."""

    PRE_OPEN = "pre-open"
    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    WEEKEND = "weekend"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """`name` is the holiday's. `until` is when the phase ends, None where nobody can tell.

    `opens` and `closes` belong to the trading that goes on or comes next.
    """

    phase: MarketPhase
    name: str | None
    until: datetime | None
    opens: datetime | None
    closes: datetime | None


def market_state(calendar: MarketCalendar, now: datetime) -> MarketState:
    """What the cash market does at `now`."""
    day = now.astimezone(IST).date()
    try:
        sessions = calendar.sessions(day, Segment.CASH)
        name = calendar.holiday_name(day)
    except CalendarYearUnknownError:
        return MarketState(
            phase=MarketPhase.UNKNOWN, name=None, until=None, opens=None, closes=None
        )
    ahead = next((each for each in sessions if now < each.closes), None)
    if ahead is None:
        following = _following(calendar, day)
        phase = MarketPhase.CLOSED if sessions else _free_day(calendar, day)
        until = None if following is None else _starts(following)
        return _state(phase, name, following, until=until)
    if now >= ahead.opens:
        return _state(MarketPhase.OPEN, name, ahead, until=ahead.closes)
    if now >= _starts(ahead):
        return _state(MarketPhase.PRE_OPEN, name, ahead, until=ahead.opens)
    return _state(MarketPhase.CLOSED, name, ahead, until=_starts(ahead))


def _free_day(calendar: MarketCalendar, day: date) -> MarketPhase:
    is_holiday = calendar.holiday_name(day) is not None
    return MarketPhase.HOLIDAY if is_holiday else MarketPhase.WEEKEND


def _following(calendar: MarketCalendar, day: date) -> Session | None:
    try:
        return calendar.sessions(calendar.next_trading_day(day), Segment.CASH)[0]
    except CalendarYearUnknownError:
        return None


def _starts(session: Session) -> datetime:
    """When its first phase begins: only ordinary days have a pre-open we know of."""
    return session.opens - PRE_OPEN if session.kind is SessionKind.REGULAR else session.opens


def _state(
    phase: MarketPhase, name: str | None, session: Session | None, *, until: datetime | None
) -> MarketState:
    return MarketState(
        phase=phase,
        name=name,
        until=until,
        opens=session.opens if session else None,
        closes=session.closes if session else None,
    )
