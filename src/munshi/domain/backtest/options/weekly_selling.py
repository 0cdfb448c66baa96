"""Selling an option on each weekly signal, with a hedge further out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from typing import ClassVar

from munshi.domain.backtest.facts import RunFacts
from munshi.domain.backtest.options.hours import SharedHours
from munshi.domain.backtest.options.orders import Enter, Exit, Leg, Orders
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.expiries import ExpiryKind
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.signals.evaluation import RunningSignals, Signal
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

# No contract that is sold at a signal lives as long, so it has ended by then.
_LONGEST_LIFE = timedelta(weeks=10)


class SharedSignals:
    """The signals hour by hour, judged once for several runs over the same bars."""

    def __init__(self, parameters: SignalParameters, calendar: MarketCalendar) -> None:
        self._running = RunningSignals(parameters, calendar)
        self._told: list[Signal | None] = []

    def at(self, number: int, hour: Candle) -> Signal | None:
        """The signal that holds at the run's hour of that number, counted from 1 without a gap."""
        if number > len(self._told):
            self._told.append(self._running.push(hour))
        return self._told[number - 1]


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
    _hours: SharedHours = field(init=False)
    _signals: SharedSignals = field(init=False)
    _count: int = 0
    _sold: list[Signal] = field(default_factory=list)
    # Between them no hourly close ends a trade.
    _stop_below: float = -inf
    _stop_above: float = inf

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
        # Runs over the same bars share the hours, and with equal parameters what was judged.
        self._hours = facts.memo.setdefault(SharedHours, SharedHours(facts.span))
        self._signals = facts.memo.setdefault(
            (SharedSignals, self._parameters), SharedSignals(self._parameters, facts.calendar)
        )

    def decide(self, closed: Sequence[Candle], /) -> Orders | None:
        orders: list[Enter | Exit] = []
        for hour in self._hours.closed_with(closed):
            orders += self._stopped(hour)
            self._count += 1
            if (signal := self._signals.at(self._count, hour)) is not None:
                orders.append(self._sell(signal))
        return tuple(orders) or None

    def rests_until(self, number: int, /) -> int:
        return self._hours.rests_until(number)

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
        if self._stop_below < hour.close < self._stop_above:
            return []
        since = hour.opens - _LONGEST_LIFE
        gone = [signal for signal in self._sold if self._is_beyond(signal, hour.close)]
        self._sold = [
            signal for signal in self._sold if signal.known_at > since and signal not in gone
        ]
        puts, calls = self._levels(InstrumentKind.PUT), self._levels(InstrumentKind.CALL)
        self._stop_below, self._stop_above = max(puts, default=-inf), min(calls, default=inf)
        return [Exit(name=_name(signal)) for signal in gone if signal.known_at > since]

    def _sell(self, signal: Signal) -> Enter:
        if self.stop:
            self._sold.append(signal)
            level = self._stop_level(signal)
            if signal.sells is InstrumentKind.PUT:
                self._stop_below = max(self._stop_below, level)
            else:
                self._stop_above = min(self._stop_above, level)
        return self._enter(signal)

    def _levels(self, kind: InstrumentKind) -> list[int]:
        return [self._stop_level(signal) for signal in self._sold if signal.sells is kind]

    def _stop_level(self, signal: Signal) -> int:
        if self.stop_basis is StopBasis.STRIKE:
            return signal.strike * PRICE_SCALE
        return signal.stop_level

    def _is_beyond(self, signal: Signal, close: int) -> bool:
        level = self._stop_level(signal)
        return close <= level if signal.sells is InstrumentKind.PUT else close >= level


def _name(signal: Signal) -> str:
    return f"{signal.name} {signal.bar:%Y-%m-%d %H:%M}"
