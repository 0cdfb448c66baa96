"""Short straddles and strangles, by the clock, with stops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar

from munshi.clock import IST
from munshi.domain.backtest.facts import RunFacts
from munshi.domain.backtest.options.orders import Enter, Exit, Leg, Orders
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.expiries import ExpiryKind
from munshi.domain.market.instruments import InstrumentKind
from munshi.errors import JobParametersInvalidError

TO_EXPIRY = "expiry"
_CALL, _PUT = InstrumentKind.CALL, InstrumentKind.PUT


@dataclass(slots=True)
class ShortStrangle:
    """Sell a call and a put `distance` points from the strike nearest to the underlying.

    Sold at the close of the first bar of a day that ends at `entry_at` IST or later; bought back
    at `exit_at`, or held when that is "expiry", and then no other is sold before it has ended.
    Stops are per cent above the premium, 0 for none. `hedge_distance`, 0 for none, buys the same
    options so many points further out. `max_days`, -1 for any, is how far the expiry may be.
    Raises JobParametersInvalidError.
    """

    trades: ClassVar[str] = "options"

    entry_at: time = time(9, 20)
    exit_at: str = "15:15"
    leg_stop_percent: int = 0
    stop_percent: int = 0
    distance: int = 200
    hedge_distance: int = 0
    max_days: int = -1
    expiry: ExpiryKind = ExpiryKind.WEEKLY
    _exit: time | None = None
    _facts: RunFacts | None = None
    _day: date | None = None
    _sold: str = ""

    def __post_init__(self) -> None:
        for name in ("leg_stop_percent", "stop_percent", "distance", "hedge_distance"):
            if getattr(self, name) < 0:
                raise JobParametersInvalidError(
                    f"{name} must be 0 or more, not {getattr(self, name)}."
                )
        if self.exit_at != TO_EXPIRY:
            try:
                self._exit = time.fromisoformat(self.exit_at)
            except ValueError as error:
                raise JobParametersInvalidError(
                    f"exit_at must be a time like 15:15, or {TO_EXPIRY}, not {self.exit_at!r}."
                ) from error
            if self._exit <= self.entry_at:
                raise JobParametersInvalidError(
                    f"exit_at must be after entry_at, {self.entry_at:%H:%M}, not {self.exit_at}."
                )

    def prepare(self, facts: RunFacts) -> None:
        self._facts = facts

    def decide(self, closed: Sequence[Candle], /) -> Orders | None:
        if self._facts is None:
            raise RuntimeError("it was not told how long its bars are")
        bar = closed[-1]
        at = (bar.opens + self._facts.span).astimezone(IST)
        if self._exit is not None and self._sold and _is_from(at, self._exit):
            sold, self._sold = self._sold, ""
            return (Exit(name=sold),)
        if at.date() == self._day or not _is_from(at, self.entry_at):
            return None
        self._day = at.date()
        if self._exit is not None and _is_from(at, self._exit):
            return None
        self._sold = f"{self._day}"
        return (self._enter(self._sold, bar.close, self._facts.strike_step),)

    def _enter(self, name: str, price: int, step: int) -> Enter:
        grid = step * PRICE_SCALE
        middle = (price + grid // 2) // grid * step
        legs = [
            Leg(side=Side.SELL, kind=_CALL, strike=middle + self.distance),
            Leg(side=Side.SELL, kind=_PUT, strike=middle - self.distance),
        ]
        if self.hedge_distance:
            out = self.distance + self.hedge_distance
            legs += [
                Leg(side=Side.BUY, kind=_CALL, strike=middle + out),
                Leg(side=Side.BUY, kind=_PUT, strike=middle - out),
            ]
        return Enter(
            name=name,
            legs=tuple(legs),
            expiry=self.expiry,
            leg_stop_percent=self.leg_stop_percent or None,
            stop_percent=self.stop_percent or None,
            only_when_flat=self._exit is None,
            max_days=None if self.max_days < 0 else self.max_days,
        )


@dataclass(slots=True)
class ShortStraddle(ShortStrangle):
    """A strangle without distance: both options at the strike nearest to the underlying."""

    distance: int = 0

    def __post_init__(self) -> None:
        if self.distance:
            raise JobParametersInvalidError(
                "A straddle has no distance.", hint="That is a short_strangle."
            )
        ShortStrangle.__post_init__(self)


def _is_from(at: datetime, wanted: time) -> bool:
    return at.time() >= wanted
