"""One day of a synthetic future or option, priced minute by minute from its underlying."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Self

from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.infrastructure.brokers.simulator.option_prices import (
    discount,
    forward,
    implied_volatility,
    option_price,
    years,
)

TICK = 500
MINUTE = timedelta(minutes=1)
FUTURE_LOTS, OPTION_LOTS = 160_000, 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One moment on the way to an expiry: root of the time left in years, and its discount."""

    root: float
    discount: float

    @classmethod
    def before(cls, ends: datetime, moment: datetime) -> Self:
        t = years(ends - moment)
        return cls(root=math.sqrt(t), discount=discount(t))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardBar:
    """An underlying's minute as the futures price of one expiry.

    `joins` says that it opens where, and when, the minute before it closed.
    """

    opens: datetime
    open: float
    high: float
    low: float
    close: float
    begins: Point
    ends: Point
    joins: bool


def forward_bars(
    spots: Sequence[Candle], stamps: Sequence[datetime], *, ends: datetime
) -> list[ForwardBar]:
    """What all contracts of one expiry share on one day.

    `stamps` may run on after the underlying's last bar, whose close then stands still.
    """
    by_stamp = {bar.opens: bar for bar in spots}
    before: Candle | None = None
    found: list[ForwardBar] = []
    for stamp in stamps:
        spot = by_stamp.get(stamp) or _standing_still(before or spots[0], stamp)
        begun, done = years(ends - stamp), years(ends - stamp - MINUTE)
        found.append(
            ForwardBar(
                opens=stamp,
                open=forward(spot.open / PRICE_SCALE, begun),
                high=forward(spot.high / PRICE_SCALE, begun),
                low=forward(spot.low / PRICE_SCALE, begun),
                close=forward(spot.close / PRICE_SCALE, done),
                begins=Point.before(ends, stamp),
                ends=Point.before(ends, stamp + MINUTE),
                joins=before is not None
                and (before.opens + MINUTE, before.close) == (stamp, spot.open),
            )
        )
        before = spot
    return found


class ContractDay:
    """Every bar's four prices come from the underlying's four, at the times the bar opens and ends.

    The implied volatility of a strike holds for the day, so that within the day a call only rises
    and a put only falls with the underlying. `fear` is the day's volatility at the money.
    """

    def __init__(self, instrument: Instrument, bars: Sequence[ForwardBar], *, fear: float) -> None:
        self._instrument = instrument
        self._bars = bars
        self._is_call = instrument.kind is InstrumentKind.CALL
        self._strike = float(instrument.strike or 0)
        self._distance, self._iv = 0.0, 0.0
        if self._strike:
            first = bars[0]
            self._distance = math.log(self._strike / first.open)
            self._iv = implied_volatility(
                fear, strike=self._strike, forward=first.open, t=first.begins.root**2
            )

    def closing(self) -> int:
        """The last price of the day."""
        return self._worth(self._bars[-1].close, self._bars[-1].ends)

    def candles(self, rng: Random) -> list[Candle]:
        """The whole day; `rng` decides only what was traded and what is open."""
        size = self._instrument.lot_size
        interest = self._interest(rng)
        busy = 900 * math.exp(-abs(self._distance) * 50)
        closed = 0
        found: list[Candle] = []
        for bar in self._bars:
            opened = closed if bar.joins else self._worth(bar.open, bar.begins)
            closed = self._worth(bar.close, bar.ends)
            up, down = self._worth(bar.high, bar.begins), self._worth(bar.low, bar.begins)
            interest = max(interest + int(rng.random() * 5) - 2, 0)
            found.append(
                Candle(
                    opens=bar.opens,
                    open=opened,
                    high=max(opened, closed, up, down),
                    low=min(opened, closed, up, down),
                    close=closed,
                    volume=int(rng.random() ** 3 * busy) * size,
                    oi=interest * size,
                )
            )
        return found

    def _worth(self, future: float, at: Point) -> int:
        """Ten-thousandths of a rupee, on the tick, at least one tick."""
        if not self._strike:
            return on_tick(future)
        return on_tick(
            option_price(
                is_call=self._is_call,
                forward=future,
                strike=self._strike,
                spread=self._iv * at.root,
                discount=at.discount,
            )
        )

    def _interest(self, rng: Random) -> int:
        """Open contracts at the start of the day, in lots."""
        most = OPTION_LOTS if self._strike else FUTURE_LOTS
        return int(most * math.exp(-abs(self._distance) * 25) * (0.8 + 0.4 * rng.random())) + 5


def on_tick(rupees: float) -> int:
    """The nearest tick, in ten-thousandths of a rupee; never below one tick."""
    return max(round(rupees * PRICE_SCALE / TICK), 1) * TICK


def _standing_still(bar: Candle, stamp: datetime) -> Candle:
    """What the underlying shows after its own session: its last price."""
    last = bar.close
    return Candle(opens=stamp, open=last, high=last, low=last, close=last, volume=0)
