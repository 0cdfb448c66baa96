"""When an exchange traded, as a run needs it: when a bar closed, and how long an order waited."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval

_NOTHING = timedelta(0)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class TradingHours:
    """Sessions in order, each from its opening to its close; with none it always trades."""

    def __init__(self, sessions: Iterable[tuple[datetime, datetime]] = ()) -> None:
        self._sessions = tuple(sessions)
        self._opens = [opens for opens, _ in self._sessions]
        lengths = (closes - opens for opens, closes in self._sessions)
        self._before = list(accumulate(lengths, initial=_NOTHING))

    def closes(self, bars: Sequence[Candle], span: timedelta) -> Iterator[datetime]:
        """When each bar closed, in UTC: `span` after its stamp, or when its session ended."""
        number = 0
        for bar in bars:
            closes = bar.opens + span
            while number < len(self._sessions) and self._sessions[number][1] <= bar.opens:
                number += 1
            if number < len(self._sessions) and self._sessions[number][0] < closes:
                closes = min(closes, self._sessions[number][1])
            yield closes.astimezone(UTC)

    def elapsed(self, at: datetime) -> timedelta:
        """How long it had traded by `at`. What an order waited is the difference of two."""
        if not self._sessions:
            return at - _BEGINNING
        number = bisect_right(self._opens, at) - 1
        if number < 0:
            return _NOTHING
        opens, closes = self._sessions[number]
        return self._before[number] + min(at, closes) - opens

    def is_open(self, at: datetime) -> bool:
        """Whether it trades at `at`; no longer at the instant at which a session closes."""
        if not self._sessions:
            return True
        number = bisect_right(self._opens, at) - 1
        return number >= 0 and at < self._sessions[number][1]


ALWAYS = TradingHours()


def trading_hours(
    days: Iterable[date], *, interval: Interval, segment: Segment, calendar: MarketCalendar
) -> TradingHours:
    """Of `days`. A daily bar goes from the first opening of its day to the last close.

    Raises CalendarYearUnknownError.
    """
    of_days = (calendar.sessions(day, segment) for day in days)
    if interval.is_daily:
        return TradingHours((each[0].opens, each[-1].closes) for each in of_days if each)
    return TradingHours((one.opens, one.closes) for each in of_days for one in each)
