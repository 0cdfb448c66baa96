"""The bars that ranges of days should have, worked out once for all instruments of a segment."""

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval
from munshi.market.session_bars import expected_bars


class Expectations:
    """As of `now`; two hundred shares of one range share one frame."""

    def __init__(self, calendar: MarketCalendar, now: datetime) -> None:
        self._calendar = calendar
        self._now = now
        self._known: dict[tuple[date, date, Interval, Segment], pl.DataFrame] = {}
        self._counted: dict[tuple[date, date, Interval, Segment], Mapping[date, int]] = {}

    def of(self, start: date, end: date, interval: Interval, segment: Segment) -> pl.DataFrame:
        """`day`, `opens` and `ends` of the bars closed by now; both days are included.

        Raises CalendarYearUnknownError, DateRangeInvalidError.
        """
        wanted = (start, end, interval, segment)
        if wanted not in self._known:
            self._known[wanted] = expected_bars(
                self._calendar.trading_days(start, end),
                interval=interval,
                segment=segment,
                calendar=self._calendar,
                now=self._now,
            )
        return self._known[wanted]

    def counts(
        self, start: date, end: date, interval: Interval, segment: Segment
    ) -> Mapping[date, int]:
        """How many bars each trading day should have by now, in order; none has no day.

        Raises as `of` does.
        """
        wanted = (start, end, interval, segment)
        if wanted not in self._counted:
            bars = self.of(*wanted).group_by("day", maintain_order=True).agg(pl.len())
            self._counted[wanted] = dict(bars.iter_rows())
        return self._counted[wanted]
