"""Breakout and breakdown: state that advances at every bar of a week."""

from munshi.clock import IST
from munshi.domain.market.candles import Candle
from munshi.domain.signals.parameters import TriggerRule


class Trigger:
    """One direction's trigger of one week.

    A breakdown is a breakout of prices turned upside down, so one rule serves both: on the first
    bar's date a close beyond its extreme; later the first bar of that direction which also
    closes beyond it and reaches as far as every bar before fixes a level at its own extreme,
    and any later close beyond that level counts. The level never moves.
    """

    def __init__(self, first: Candle, *, up: bool, rule: TriggerRule) -> None:
        self._up = up
        self._rule = rule
        self._day = first.opens.astimezone(IST).date()
        self._first_extreme = self._extreme(first)
        self._furthest = self._first_extreme
        self._level: int | None = None
        self._was_true = False
        self._is_spent = False

    def advance(self, bar: Candle) -> bool:
        """Take the week's next bar, bar 2 first; whether the trigger fires at it."""
        is_true = self._is_true(bar)
        fires = is_true
        if self._rule is TriggerRule.ONCE:
            fires = is_true and not self._is_spent
        elif self._rule is TriggerRule.EDGE:
            fires = is_true and not self._was_true
        self._is_spent = self._is_spent or is_true
        self._was_true = is_true
        self._furthest = max(self._furthest, self._extreme(bar))
        return fires

    def _is_true(self, bar: Candle) -> bool:
        close = self._signed(bar.close)
        if bar.opens.astimezone(IST).date() == self._day:
            return close > self._first_extreme
        if self._level is not None:
            return close > self._level
        if (
            close > self._signed(bar.open)
            and close > self._first_extreme
            and self._extreme(bar) >= self._furthest
        ):
            self._level = self._extreme(bar)
        return False

    def _extreme(self, bar: Candle) -> int:
        return bar.high if self._up else -bar.low

    def _signed(self, price: int) -> int:
        return price if self._up else -price
