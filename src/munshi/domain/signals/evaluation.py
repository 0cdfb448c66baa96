"""The signal of each week, from hourly bars that have closed."""

from collections.abc import Iterator, Mapping, Sequence
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
    keeps_weekends = parameters.weekend_sessions is WeekendSessions.KEEP
    days = _session_days(monday - _WEEK, calendar, weekends=keeps_weekends)
    reason = _lack(before, days)
    if reason is None:
        days = _session_days(monday, calendar, weekends=keeps_weekends)
        reason = _late_start(bars, days)
    if reason is not None:
        return WeekOutcome(monday=monday, not_evaluated=reason)
    levels = levels_of(before, parameters.four_hour)
    return WeekOutcome(monday=monday, levels=levels, signal=_first_signal(bars, levels, parameters))


def _first_signal(
    bars: Sequence[Candle], levels: Levels, parameters: SignalParameters
) -> Signal | None:
    for at in _views(bars, levels, parameters):
        for name in sorted(parameters.enabled):
            rule = RULES[name]
            if rule.holds(at):
                level = rule.stop(at)
                return Signal(
                    name=name,
                    sells=rule.sells,
                    bar=at.bar.opens,
                    known_at=closes_at(at.bar),
                    close=at.bar.close,
                    stop_level=level,
                    strike=strike_for(level, rule.sells, parameters.strike),
                )
    return None


def _views(bars: Sequence[Candle], levels: Levels, parameters: SignalParameters) -> Iterator[View]:
    """What is known at each bar from the second on; the triggers advance at every one."""
    first = bars[0]
    up = Trigger(first, up=True, rule=parameters.trigger)
    down = Trigger(first, up=False, rule=parameters.trigger)
    highest, lowest = first.high, first.low
    highest_close = lowest_close = first.close
    for number, bar in enumerate(bars[1:], start=2):
        yield View(
            levels=levels,
            first=first,
            bar=bar,
            number=number,
            highest=highest,
            lowest=lowest,
            highest_close=highest_close,
            lowest_close=lowest_close,
            breaks_out=up.advance(bar),
            breaks_down=down.advance(bar),
            parameters=parameters,
        )
        highest, lowest = max(highest, bar.high), min(lowest, bar.low)
        highest_close = max(highest_close, bar.close)
        lowest_close = min(lowest_close, bar.close)


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
