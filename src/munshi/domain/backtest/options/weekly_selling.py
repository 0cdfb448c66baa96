"""Selling an option on each weekly signal, with a hedge further out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import ClassVar

from munshi.clock import IST
from munshi.domain.backtest.facts import RunFacts
from munshi.domain.backtest.options.hours import SharedHours
from munshi.domain.backtest.options.orders import Enter, Exit, Leg, Orders
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.expiries import ExpiryKind
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.signals.evaluation import Signal, evaluate
from munshi.domain.signals.parameters import (
    ALL_SIGNALS,
    FourHourBars,
    SignalParameters,
    StopBasis,
    StrikeRule,
    TriggerRule,
    UpperTouch,
    WeekendSessions,
)
from munshi.errors import JobParametersInvalidError

_ONE_WEEK = timedelta(weeks=1)
# No contract that is sold at a signal lives as long, so it has ended by then.
_LONGEST_LIFE = timedelta(weeks=10)


@dataclass(slots=True)
class WeeklyOptionSelling:
    """At each signal S1 to S8 sell what it says, and with `hedge` buy `hedge_distance` points out.

    With `stop`, from the hour after the signal on, an hourly close at or beyond `stop_basis`
    ends the trade; otherwise it runs to its expiry. Trades of two weeks may overlap. Raises
    JobParametersInvalidError.
    """

    trades: ClassVar[str] = "options"

    enabled: tuple[str, ...] = tuple(name.value for name in ALL_SIGNALS)
    zone_touch_bypass: bool = False
    upper_touch: UpperTouch = UpperTouch.WEEK
    strike: StrikeRule = StrikeRule.AWAY50
    trigger: TriggerRule = TriggerRule.ONCE
    four_hour: FourHourBars = FourHourBars.SESSION
    weekend_sessions: WeekendSessions = WeekendSessions.DROP
    stop_basis: StopBasis = StopBasis.STRIKE
    stop: bool = True
    hedge: bool = True
    hedge_distance: int = 200
    expiry: ExpiryKind = ExpiryKind.WEEKLY
    _parameters: SignalParameters = field(init=False)
    _facts: RunFacts | None = None
    _hours: SharedHours = field(init=False)
    _monday: date | None = None
    _before: list[Candle] = field(default_factory=list)
    _week: list[Candle] = field(default_factory=list)
    _has_signalled: bool = False
    _sold: list[Signal] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.hedge_distance < 1:
            raise JobParametersInvalidError(
                f"hedge_distance must be 1 point or more, not {self.hedge_distance}."
            )
        self._parameters = SignalParameters.from_json(
            {
                "enabled": list(self.enabled),
                "zone_touch_bypass": self.zone_touch_bypass,
                "upper_touch": self.upper_touch,
                "strike": self.strike,
                "trigger": self.trigger,
                "four_hour": self.four_hour,
                "weekend_sessions": self.weekend_sessions,
            }
        )

    def prepare(self, facts: RunFacts) -> None:
        self._facts = facts
        # Runs with other parameters over the same bars share the hours and what was judged.
        self._hours = facts.memo.setdefault(SharedHours, SharedHours(facts.span))

    def decide(self, closed: Sequence[Candle], /) -> Orders | None:
        orders: list[Enter | Exit] = []
        for hour in self._hours.closed_with(closed):
            orders += self._stopped(hour)
            if (signal := self._signal(hour)) is not None:
                self._sold.append(signal)
                orders.append(self._enter(signal))
        return tuple(orders) or None

    def _signal(self, hour: Candle) -> Signal | None:
        """The signal that holds when `hour` closes, if it is the week's first."""
        day = hour.opens.astimezone(IST).date()
        monday = day - timedelta(days=day.weekday())
        if monday != self._monday:
            follows = self._monday is not None and monday - self._monday == _ONE_WEEK
            self._before = self._week if follows else []
            self._week, self._monday, self._has_signalled = [], monday, False
        self._week.append(hour)
        if self._has_signalled or not self._before or self._facts is None:
            return None
        memo, key = self._facts.memo, (self._parameters, hour.opens)
        if key not in memo:
            memo[key] = self._judge(hour, monday)
        signal = memo[key]
        self._has_signalled = signal is not None
        return signal if isinstance(signal, Signal) else None

    def _judge(self, hour: Candle, monday: date) -> Signal | None:
        if self._facts is None:
            return None
        bars = [*self._before, *self._week]
        weeks = evaluate(bars, self._parameters, self._facts.calendar)
        if not weeks or weeks[-1].monday != monday:
            return None
        found = weeks[-1].signal
        return found if found is not None and found.bar == hour.opens else None

    def _enter(self, signal: Signal) -> Enter:
        legs = [Leg(side=Side.SELL, kind=signal.sells, strike=signal.strike)]
        if self.hedge:
            out = -1 if signal.sells is InstrumentKind.PUT else 1
            strike = signal.strike + out * self.hedge_distance
            legs.append(Leg(side=Side.BUY, kind=signal.sells, strike=strike))
        return Enter(
            name=_name(signal), legs=tuple(legs), expiry=self.expiry, signal=signal.name.value
        )

    def _stopped(self, hour: Candle) -> list[Exit]:
        if not self.stop:
            return []
        if not self._sold:
            return []
        since = hour.opens - _LONGEST_LIFE
        self._sold = [signal for signal in self._sold if signal.known_at > since]
        gone = [signal for signal in self._sold if self._is_beyond(signal, hour.close)]
        self._sold = [signal for signal in self._sold if signal not in gone]
        return [Exit(name=_name(signal)) for signal in gone]

    def _is_beyond(self, signal: Signal, close: int) -> bool:
        level = signal.stop_level
        if self.stop_basis is StopBasis.STRIKE:
            level = signal.strike * PRICE_SCALE
        return close <= level if signal.sells is InstrumentKind.PUT else close >= level


def _name(signal: Signal) -> str:
    return f"{signal.name} {signal.bar:%Y-%m-%d %H:%M}"
