"""The conditions of S1 to S8 at one bar, in exact whole numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.signals.levels import Bias, Levels
from munshi.domain.signals.parameters import SignalName, SignalParameters, UpperTouch


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that is known when `bar` closes, the `number`-th of its week (1 is the first).

    The extremes are those of the week's bars before it; `breaks_out` and `breaks_down` say
    whether that trigger fires here.
    """

    levels: Levels
    first: Candle
    bar: Candle
    number: int
    highest: int
    lowest: int
    highest_close: int
    lowest_close: int
    breaks_out: bool
    breaks_down: bool
    parameters: SignalParameters

    @property
    def is_second(self) -> bool:
        return self.number == 2  # noqa: PLR2004 - the rules are told in bars 1 and 2

    @property
    def is_above_all(self) -> bool:
        return self.bar.close > self.highest and self.bar.close > self.highest_close

    @property
    def is_below_all(self) -> bool:
        return self.bar.close < self.lowest and self.bar.close < self.lowest_close

    @property
    def falls_through(self) -> bool:
        """Branch B of S3 and S6."""
        return (
            self.bar.close < self.first.low
            and self.bar.close < self.levels.upper_bottom
            and self.is_below_all
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRule:
    """What a signal sells, when it holds, and the stop-loss level it gives."""

    sells: InstrumentKind
    holds: Callable[[View], bool]
    stop: Callable[[View], int]


def _bear_trap(at: View) -> bool:
    bottom = at.levels.lower_bottom
    return (
        at.is_second
        and at.first.open >= bottom
        and at.first.close < bottom
        and at.bar.close > at.first.low
    )


def _support_hold(at: View) -> bool:
    levels, first, close = at.levels, at.first, at.bar.close
    bottom = levels.lower_bottom
    is_near = _is_near(levels.close, first.open, to=bottom, margin=levels.lower_margin)
    is_near = is_near or (at.parameters.zone_touch_bypass and first.low <= levels.lower_top)
    return (
        at.is_second
        and levels.bias is Bias.BULL
        and first.open > levels.low
        and is_near
        and first.close >= max(bottom, levels.close)
        and close >= first.low
        and close > max(levels.close, bottom)
    )


def _resistance_hold(at: View) -> bool:
    levels, first = at.levels, at.first
    bottom = levels.upper_bottom
    is_near = _is_near(levels.close, first.open, to=bottom, margin=levels.upper_margin)
    is_near = is_near or (at.parameters.zone_touch_bypass and first.high >= bottom)
    if not (levels.bias is Bias.BEAR and is_near and first.close <= levels.high):
        return False
    touches = first.high >= bottom or at.bar.high >= bottom
    return (_turns_down(at) and touches) or at.falls_through


def _bias_failure_bull(at: View) -> bool:
    return at.levels.bias is Bias.BEAR and at.first.open > at.levels.upper_top and at.breaks_out


def _bias_failure_bear(at: View) -> bool:
    levels, first = at.levels, at.first
    return (
        levels.bias is Bias.BULL
        and first.open < levels.lower_bottom
        and first.close < min(levels.lower_bottom, levels.low)
        and at.bar.close < first.low
    )


def _weakness_confirmed(at: View) -> bool:
    levels, first = at.levels, at.first
    return (
        levels.bias is Bias.BEAR
        and first.high >= levels.upper_bottom
        and first.close <= min(levels.upper_top, levels.high)
        and (_turns_down(at) or at.falls_through)
    )


def _breakout_confirmed(at: View) -> bool:
    close, high = at.bar.close, at.levels.high
    # Less than 0.40 % below the high: too near to it, exactly 0.40 % is not.
    is_just_below = close < high and (high - close) * 1000 < 4 * close
    return at.breaks_out and not is_just_below and at.is_above_all


def _breakdown_confirmed(at: View) -> bool:
    bottom = at.levels.upper_bottom
    highest = at.bar.high
    if at.parameters.upper_touch is UpperTouch.WEEK:
        highest = max(highest, at.highest)
    return at.breaks_down and highest >= bottom and at.bar.close < bottom and at.is_below_all


def _is_near(*prices: int, to: int, margin: int) -> bool:
    return all(abs(price - to) <= margin for price in prices)


def _turns_down(at: View) -> bool:
    """Branch A of S3 and S6, as far as they share it."""
    return at.is_second and at.bar.close < at.first.high and at.bar.close < at.levels.upper_bottom


def _below_the_first_body(at: View) -> int:
    return at.first.low - abs(at.first.open - at.first.close)


def _first_low(at: View) -> int:
    return at.first.low


def _first_high(at: View) -> int:
    return at.first.high


def _previous_high(at: View) -> int:
    return at.levels.high


def _lower_bottom(at: View) -> int:
    return at.levels.lower_bottom


_PUT, _CALL = InstrumentKind.PUT, InstrumentKind.CALL

RULES: Mapping[SignalName, SignalRule] = MappingProxyType(
    {
        SignalName.S1: SignalRule(sells=_PUT, holds=_bear_trap, stop=_below_the_first_body),
        SignalName.S2: SignalRule(sells=_PUT, holds=_support_hold, stop=_lower_bottom),
        SignalName.S3: SignalRule(sells=_CALL, holds=_resistance_hold, stop=_previous_high),
        SignalName.S4: SignalRule(sells=_PUT, holds=_bias_failure_bull, stop=_first_low),
        SignalName.S5: SignalRule(sells=_CALL, holds=_bias_failure_bear, stop=_first_high),
        SignalName.S6: SignalRule(sells=_CALL, holds=_weakness_confirmed, stop=_previous_high),
        SignalName.S7: SignalRule(sells=_PUT, holds=_breakout_confirmed, stop=_first_low),
        SignalName.S8: SignalRule(sells=_CALL, holds=_breakdown_confirmed, stop=_first_high),
    }
)
