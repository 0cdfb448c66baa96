"""What one Kite history request may ask for, as data for whoever plans requests."""

from collections.abc import Mapping
from datetime import date, timedelta

from munshi.domain.market.intervals import Interval

INTERVAL_NAMES: Mapping[Interval, str] = {
    Interval.ONE_MINUTE: "minute",
    Interval.THREE_MINUTES: "3minute",
    Interval.FIVE_MINUTES: "5minute",
    Interval.TEN_MINUTES: "10minute",
    Interval.FIFTEEN_MINUTES: "15minute",
    Interval.THIRTY_MINUTES: "30minute",
    Interval.ONE_HOUR: "60minute",
    Interval.ONE_DAY: "day",
}

# Not on the documentation page; the server's own error texts, Kite Connect forum 14149.
_MAX_DAYS: Mapping[Interval, int] = {
    Interval.ONE_MINUTE: 60,
    Interval.THREE_MINUTES: 100,
    Interval.FIVE_MINUTES: 100,
    Interval.TEN_MINUTES: 100,
    Interval.FIFTEEN_MINUTES: 200,
    Interval.THIRTY_MINUTES: 200,
    Interval.ONE_HOUR: 400,
    Interval.ONE_DAY: 2000,
}

EARLIEST_INTRADAY = date(2015, 2, 2)
MAX_QUOTES = 500
MAX_LAST_PRICES = 1000


def max_span(interval: Interval) -> timedelta:
    """The longest `end - start` of one request; a longer one is refused, not cut."""
    return timedelta(days=_MAX_DAYS[interval])
