"""The signal of each week, from hourly bars that have closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.signals.levels import Levels, levels_of
from munshi.domain.signals.parameters import SignalName, SignalParameters, WeekendSessions
from munshi.domain.signals.rules import RULES, View
from munshi.domain.signals.strikes import strike_for
from munshi.domain.signals.triggers import Trigger

FIRST_MINUTE = time(9, 15)
CLOSES = time(15, 30)
_HOUR = timedelta(hours=1)
_WEEK = timedelta(weeks=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """`bar` is the open of the bar it held at, `known_at` that bar's close: not before.

    `stop_level` and `close` are in ten-thousandths of a rupee, `strike` in whole points.
    """

    name: SignalName
    sells: InstrumentKind
    bar: datetime
    known_at: datetime
    close: int
    stop_level: int
    strike: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekOutcome:
    """What one week came to; `not_evaluated` is the reason where it could not be judged."""

    monday: date
    not_evaluated: str | None = None
    levels: Levels | None = None
    signal: Signal | None = None


def evaluate(
    bars: Sequence[Candle], parameters: SignalParameters, calendar: MarketCalendar
) -> list[WeekOutcome]:
    """The outcome of every week that has a bar and is not the first, oldest first.

    `bars` are closed hourly bars on the grid of 09:15, in order. The first week only sets
    levels. A week that has not ended counts as far as its bars go. Raises
    CalendarYearUnknownError.
    """
    weeks = _by_week(bars, parameters.weekend_sessions)
    mondays = sorted(weeks)
    return [
        _outcome(monday, weeks, parameters=parameters, calendar=calendar) for monday in mondays[1:]
    ]


def closes_at(bar: Candle) -> datetime:
    """When an hourly bar has closed: an hour after its open, the last one at 15:30 IST."""
    opens = bar.opens.astimezone(IST)
    return min(opens + _HOUR, datetime.combine(opens.date(), CLOSES, IST))


def _outcome(
    monday: date,
    weeks: Mapping[date, list[Candle]],
    *,
    parameters: SignalParameters,
    calendar: MarketCalendar,
) -> WeekOutcome:
    before, bars = weeks.get(monday - _WEEK, []), weeks[monday]
    reason = _unjudged(monday, before, bars, parameters, calendar)
    if reason is not None:
        return WeekOutcome(monday=monday, not_evaluated=reason)
    week = WeekSoFar(levels_of(before, parameters.four_hour), parameters)
    for bar in bars:
        week.push(bar)
    return WeekOutcome(monday=monday, levels=week.levels, signal=week.signal)


class WeekSoFar:
    """One week, bar by bar; `signal` is its first once it is known. The triggers always advance."""

    def __init__(self, levels: Levels, parameters: SignalParameters) -> None:
        self.levels = levels
        self.signal: Signal | None = None
        self._parameters = parameters
        self._rules = [(name, RULES[name]) for name in sorted(parameters.enabled)]
        self._number = 0
        self._highest = self._lowest = self._highest_close = self._lowest_close = 0

    def push(self, bar: Candle) -> Signal | None:
        """The week's next closed bar; the signal if it holds at just this one."""
        self._number += 1
        if self._number == 1:
            self._begin(bar)
            return None
        if self.signal is None:
            self.signal = found = self._judge(self._view(bar))
        else:
            found = None
        self._highest, self._lowest = max(self._highest, bar.high), min(self._lowest, bar.low)
        self._highest_close = max(self._highest_close, bar.close)
        self._lowest_close = min(self._lowest_close, bar.close)
        return found

    def _begin(self, first: Candle) -> None:
        rule = self._parameters.trigger
        self._first = first
        self._up = Trigger(first, up=True, rule=rule)
        self._down = Trigger(first, up=False, rule=rule)
        self._highest, self._lowest = first.high, first.low
        self._highest_close = self._lowest_close = first.close

    def _view(self, bar: Candle) -> View:
        return View(
            levels=self.levels,
            first=self._first,
            bar=bar,
            number=self._number,
            highest=self._highest,
            lowest=self._lowest,
            highest_close=self._highest_close,
            lowest_close=self._lowest_close,
            breaks_out=self._up.advance(bar),
            breaks_down=self._down.advance(bar),
            parameters=self._parameters,
        )

    def _judge(self, at: View) -> Signal | None:
        for name, rule in self._rules:
            if rule.holds(at):
                level = rule.stop(at)
                return Signal(
                    name=name,
                    sells=rule.sells,
                    bar=at.bar.opens,
                    known_at=closes_at(at.bar),
                    close=at.bar.close,
                    stop_level=level,
                    strike=strike_for(level, rule.sells, self._parameters.strike),
                )
        return None


class RunningSignals:
    """The signals of week after week as `evaluate` tells them, each when its bar has closed."""

    def __init__(self, parameters: SignalParameters, calendar: MarketCalendar) -> None:
        self._parameters = parameters
        self._calendar = calendar
        self._monday: date | None = None
        self._before: list[Candle] = []
        self._bars: list[Candle] = []
        self._week: WeekSoFar | None = None

    def push(self, bar: Candle) -> Signal | None:
        """The next closed hourly bar. Raises CalendarYearUnknownError."""
        for monday, bars in _by_week([bar], self._parameters.weekend_sessions).items():
            if monday != self._monday:
                self._begin(monday, bars)
            self._bars += bars
            if self._week is not None:
                return self._week.push(bar)
        return None

    def _begin(self, monday: date, bars: list[Candle]) -> None:
        follows = self._monday is not None and monday - self._monday == _WEEK
        self._before, self._bars = self._bars if follows else [], []
        self._monday, self._week = monday, None
        if (
            self._before
            and _unjudged(monday, self._before, bars, self._parameters, self._calendar) is None
        ):
            levels = levels_of(self._before, self._parameters.four_hour)
            self._week = WeekSoFar(levels, self._parameters)


def _unjudged(
    monday: date,
    before: Sequence[Candle],
    bars: Sequence[Candle],
    parameters: SignalParameters,
    calendar: MarketCalendar,
) -> str | None:
    """Why the week cannot be judged, by what its first bar and the week before show."""
    keeps_weekends = parameters.weekend_sessions is WeekendSessions.KEEP
    days = _session_days(monday - _WEEK, calendar, weekends=keeps_weekends)
    if (reason := _lack(before, days)) is not None:
        return reason
    return _late_start(bars, _session_days(monday, calendar, weekends=keeps_weekends))


def _by_week(bars: Sequence[Candle], weekends: WeekendSessions) -> dict[date, list[Candle]]:
    weeks: dict[date, list[Candle]] = {}
    for bar in bars:
        day = bar.opens.astimezone(IST).date()
        if day.weekday() >= _SATURDAY and weekends is WeekendSessions.DROP:
            continue
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(bar)
    return weeks


def _session_days(monday: date, calendar: MarketCalendar, *, weekends: bool) -> list[date]:
    """The week's days that trade between 09:15 and 15:30; an evening's Muhurat is none."""
    days = [monday + timedelta(days=offset) for offset in range(7 if weekends else _SATURDAY)]
    return [
        day
        for day in days
        if any(
            session.opens.time() < CLOSES and session.closes.time() > FIRST_MINUTE
            for session in calendar.sessions(day, Segment.CASH)
        )
    ]


def _lack(bars: Sequence[Candle], days: Sequence[date]) -> str | None:
    if not bars:
        return "There are no bars of the week before."
    present = {bar.opens.astimezone(IST).date() for bar in bars}
    if missing := [day for day in days if day not in present]:
        return f"The week before lacks the session of {', '.join(map(str, missing))}."
    return None


def _late_start(bars: Sequence[Candle], days: Sequence[date]) -> str | None:
    opens = bars[0].opens.astimezone(IST)
    first_day = days[0] if days else opens.date()
    if (opens.date(), opens.time()) != (first_day, FIRST_MINUTE):
        return f"The first bar of the week is missing: {first_day} 09:15."
    return None
