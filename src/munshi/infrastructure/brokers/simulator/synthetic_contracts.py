"""One day of a synthetic future or option, priced minute by minute from its underlying."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.infrastructure.brokers.simulator.option_prices import (
    forward,
    implied_volatility,
    option_price,
    years,
)

TICK = 500
MINUTE = timedelta(minutes=1)
A_MINUTE = years(MINUTE)
FUTURE_LOTS, OPTION_LOTS = 160_000, 60_000


class ContractDay:
    """Every bar's four prices come from the underlying's four, at the times the bar opens and ends.

    The implied volatility of a strike holds for the day, so that within the day a call only rises
    and a put only falls with the underlying. `stamps` may run on after the underlying's last bar,
    whose close then stands still; `ends` is the moment of expiry, `fear` the day's volatility at
    the money.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        spots: Sequence[Candle],
        stamps: Sequence[datetime],
        ends: datetime,
        fear: float,
    ) -> None:
        self._instrument = instrument
        self._spots = spots
        self._stamps = stamps
        self._ends = ends
        self._strike = float(instrument.strike or 0)
        self._distance, self._iv = 0.0, 0.0
        if self._strike:
            t = years(ends - stamps[0])
            at_open = forward(spots[0].open / PRICE_SCALE, t)
            self._distance = math.log(self._strike / at_open)
            self._iv = implied_volatility(fear, strike=self._strike, forward=at_open, t=t)

    def closing(self) -> int:
        """The last price of the day."""
        return self._worth(self._spots[-1].close, self._left(self._stamps[-1]) - A_MINUTE)

    def candles(self, rng: Random) -> list[Candle]:
        """The whole day; `rng` decides only what was traded and what is open."""
        size = self._instrument.lot_size
        interest = self._interest(rng)
        busy = 900 * math.exp(-abs(self._distance) * 50)
        by_stamp = {bar.opens: bar for bar in self._spots}
        spot = self._spots[0]
        found: list[Candle] = []
        for stamp in self._stamps:
            spot = by_stamp.get(stamp) or _standing_still(spot)
            interest = max(interest + rng.randint(-2, 2), 0)
            opened, high, low, closed = self._prices(spot, self._left(stamp))
            found.append(
                Candle(
                    opens=stamp,
                    open=opened,
                    high=high,
                    low=low,
                    close=closed,
                    volume=int(rng.random() ** 3 * busy) * size,
                    oi=interest * size,
                )
            )
        return found

    def _prices(self, spot: Candle, t: float) -> tuple[int, int, int, int]:
        opened, closed = self._worth(spot.open, t), self._worth(spot.close, t - A_MINUTE)
        reached = (opened, closed, self._worth(spot.high, t), self._worth(spot.low, t))
        return opened, max(reached), min(reached), closed

    def _worth(self, spot: int, t: float) -> int:
        """Ten-thousandths of a rupee, on the tick, at least one tick."""
        left = max(t, 0.0)
        future = forward(spot / PRICE_SCALE, left)
        if not self._strike:
            return on_tick(future)
        is_call = self._instrument.kind is InstrumentKind.CALL
        return on_tick(
            option_price(is_call=is_call, forward=future, strike=self._strike, t=left, iv=self._iv)
        )

    def _left(self, stamp: datetime) -> float:
        return years(self._ends - stamp)

    def _interest(self, rng: Random) -> int:
        """Open contracts at the start of the day, in lots."""
        most = OPTION_LOTS if self._strike else FUTURE_LOTS
        return int(most * math.exp(-abs(self._distance) * 25) * (0.8 + 0.4 * rng.random())) + 5


def on_tick(rupees: float) -> int:
    """The nearest tick, in ten-thousandths of a rupee; never below one tick."""
    return max(round(rupees * PRICE_SCALE / TICK), 1) * TICK


def _standing_still(bar: Candle) -> Candle:
    """What the underlying shows after its own session: its last price."""
    last = bar.close
    return Candle(opens=bar.opens, open=last, high=last, low=last, close=last, volume=0)
