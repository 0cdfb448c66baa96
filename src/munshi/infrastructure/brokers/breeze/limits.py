"""What one Breeze history request may ask for, as data for whoever plans requests."""

from datetime import date, datetime
from functools import cache

from munshi.clock import IST
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment, session_regimes
from munshi.errors import IntervalUnknownError

# The server keeps the newest thousand rows and says nothing (Breeze docs, historical data v2).
MAX_ROWS = 1000
# One fewer, so that a full thousand is always a cut and never a fit.
PLANNED_ROWS = MAX_ROWS - 1

INTERVALS = frozenset(
    {Interval.ONE_MINUTE, Interval.FIVE_MINUTES, Interval.THIRTY_MINUTES, Interval.ONE_DAY}
)


def check_interval(interval: Interval) -> None:
    """Raise IntervalUnknownError for a bar that Breeze does not serve."""
    if interval not in INTERVALS:
        known = ", ".join(known for known in Interval if known in INTERVALS)
        raise IntervalUnknownError(
            f"Breeze has no {interval} bars.", hint=f"Ask for one of {known} and derive the rest."
        )


@cache
def max_sessions(interval: Interval, segment: Segment) -> int:
    """How many whole trading days fit in one request, on the longest regular day known."""
    check_interval(interval)
    return PLANNED_ROWS // _bars_a_day(interval, segment)


def _bars_a_day(interval: Interval, segment: Segment) -> int:
    if interval.is_daily:
        return 1
    some_day = date(2000, 1, 1)
    longest = max(
        datetime.combine(some_day, regime.closes, tzinfo=IST)
        - datetime.combine(some_day, regime.opens, tzinfo=IST)
        for regime in session_regimes()
        if regime.segment is segment
    )
    return -(-longest // interval.span)
