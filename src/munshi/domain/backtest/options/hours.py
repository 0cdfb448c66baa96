"""Hourly bars out of shorter ones, each told once it has closed."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta

from munshi.clock import IST
from munshi.domain.market.candles import Candle

_FIRST = 9 * 60 + 15
_SESSION = 375
_HOUR = 60


class HourBars:
    """On the grid of 09:15 to 15:30 IST; bars outside it are ignored.

    An hour whose last bar is missing is told when the next bar has closed: until then nobody
    could know.
    """

    def __init__(self, span: timedelta) -> None:
        self._minutes = int(span.total_seconds()) // 60
        self._slot: tuple[date, int] | None = None
        self._bars: list[Candle] = []

    def push(self, bar: Candle) -> list[Candle]:
        """The hours that have closed with `bar`, oldest first."""
        opens = bar.opens.astimezone(IST)
        minute = opens.hour * 60 + opens.minute - _FIRST
        if not 0 <= minute < _SESSION:
            return []
        slot = (opens.date(), minute // _HOUR)
        closed = []
        if slot != self._slot:
            if self._bars:
                closed.append(self._hour())
            self._slot = slot
        self._bars.append(bar)
        if minute + self._minutes >= min((slot[1] + 1) * _HOUR, _SESSION):
            closed.append(self._hour())
        return closed

    def _hour(self) -> Candle:
        bars, self._bars = self._bars, []
        first = bars[0]
        opens = first.opens.astimezone(IST)
        past = (opens.hour * 60 + opens.minute - _FIRST) % _HOUR
        return Candle(
            opens=first.opens - timedelta(minutes=past),
            open=first.open,
            high=max(bar.high for bar in bars),
            low=min(bar.low for bar in bars),
            close=bars[-1].close,
            volume=sum(bar.volume for bar in bars),
        )


class SharedHours:
    """The hours that close with each bar, made once for several runs over the same bars."""

    def __init__(self, span: timedelta) -> None:
        self._hours = HourBars(span)
        self._told: list[list[Candle]] = []
        self._with_hours: list[int] = []

    def closed_with(self, closed: Sequence[Candle]) -> list[Candle]:
        """Those that have closed with the newest of `closed`, which grows by one bar a call."""
        count = len(closed)
        if count > len(self._told):
            self._told.append(self._hours.push(closed[-1]))
            if self._told[-1]:
                self._with_hours.append(count - 1)
        return self._told[count - 1]

    def rests_until(self, number: int) -> int:
        """The first bar from `number` on, counted from 0, with which an hour may close."""
        if number >= len(self._told):
            return number
        place = bisect_left(self._with_hours, number)
        return self._with_hours[place] if place < len(self._with_hours) else len(self._told)
