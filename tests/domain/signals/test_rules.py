"""S1 to S8: each branch fires on a fortnight made for it, and does not on one just beside."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from made_weeks import BARS_A_DAY, BEAR, BULL, NEUTRAL, THIS, Bar, Before, hourly
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import to_price
from munshi.domain.signals.evaluation import Signal, evaluate
from munshi.domain.signals.parameters import (
    SignalName,
    SignalParameters,
    TriggerRule,
    UpperTouch,
)

USUAL = SignalParameters()
BYPASS = SignalParameters(zone_touch_bypass=True)


def signal_of(
    before: Before, bars: Sequence[Bar], parameters: SignalParameters = USUAL
) -> Signal | None:
    made = before.bars() + hourly(THIS, bars)
    [outcome] = evaluate(made, parameters, MarketCalendar.packaged())
    assert outcome.not_evaluated is None
    return outcome.signal


# What fires comes first, and then what just does not.
BRANCHES: dict[str, tuple[Any, ...]] = {
    "S1": (
        *("S1", NEUTRAL, USUAL, 21_870, 21_850),
        [(21_905, 21_910, 21_880, 21_895), (21_885, 21_890, 21_878, 21_880.05)],
        [(21_905, 21_910, 21_880, 21_895), (21_885, 21_890, 21_878, 21_880)],
    ),
    "S1 opens in the zone": (
        *("S1", NEUTRAL, USUAL, 21_875, 21_850),
        [(21_900, 21_910, 21_880, 21_895), (21_885, 21_890, 21_878, 21_881)],
        [(21_899.95, 21_910, 21_880, 21_895), (21_885, 21_890, 21_878, 21_881)],
    ),
    "S2": (
        *("S2", BULL, USUAL, 21_900, 21_900),
        [(21_930, 21_950, 21_925, 21_945), (21_945, 21_948, 21_930, 21_940.05)],
        [(21_930, 21_950, 21_925, 21_945), (21_945, 21_948, 21_930, 21_940)],
    ),
    "S2 at the margin": (
        *("S2", BULL, USUAL, 21_900, 21_900),
        [(21_960, 21_965, 21_921, 21_945), (21_945, 21_948, 21_930, 21_941)],
        [(21_960.05, 21_965, 21_921, 21_945), (21_945, 21_948, 21_930, 21_941)],
    ),
    "S2 by the bypass": (
        *("S2", BULL, BYPASS, 21_900, 21_900),
        [(21_961, 21_965, 21_920, 21_945), (21_945, 21_948, 21_930, 21_941)],
        [(21_961, 21_965, 21_920.05, 21_945), (21_945, 21_948, 21_930, 21_941)],
    ),
    "S3 A, the first bar touches": (
        *("S3", BEAR, USUAL, 22_100, 22_100),
        [(22_070, 22_085, 22_050, 22_075), (22_075, 22_082, 22_060, 22_079.95)],
        [(22_070, 22_085, 22_050, 22_075), (22_075, 22_082, 22_060, 22_080)],
    ),
    "S3 A, the second bar touches": (
        *("S3", BEAR, USUAL, 22_100, 22_100),
        [(22_070, 22_079, 22_050, 22_075), (22_075, 22_080, 22_060, 22_070)],
        [(22_070, 22_079, 22_050, 22_075), (22_075, 22_079.95, 22_060, 22_070)],
    ),
    "S3 B": (
        *("S3", BEAR, USUAL, 22_100, 22_100),
        [
            *[(22_070, 22_079, 22_050, 22_075), (22_075, 22_078, 22_055, 22_060)],
            (22_060, 22_062, 22_040, 22_049.95),
        ],
        [
            *[(22_070, 22_079, 22_050, 22_075), (22_075, 22_078, 22_055, 22_060)],
            (22_060, 22_062, 22_040, 22_050),
        ],
    ),
    "S3 by the bypass": (
        *("S3", BEAR, BYPASS, 22_100, 22_100),
        [(22_019, 22_080, 22_010, 22_075), (22_075, 22_079, 22_060, 22_070)],
        [(22_019, 22_079.95, 22_010, 22_075), (22_075, 22_079, 22_060, 22_070)],
    ),
    "S4 on the first day": (
        *("S4", BEAR, USUAL, 22_095, 22_050),
        [(22_101, 22_120, 22_095, 22_110), (22_110, 22_125, 22_105, 22_120.05)],
        [(22_101, 22_120, 22_095, 22_110), (22_110, 22_125, 22_105, 22_120)],
    ),
    "S5": (
        *("S5", BULL, USUAL, 21_905, 21_950),
        [(21_899, 21_905, 21_880, 21_890), (21_890, 21_895, 21_870, 21_879.95)],
        [(21_899, 21_905, 21_880, 21_890), (21_890, 21_895, 21_870, 21_880)],
    ),
    "S6 A": (
        *("S6", BEAR, USUAL, 22_100, 22_100),
        [(22_019, 22_081, 22_010, 22_075), (22_075, 22_081, 22_060, 22_079.95)],
        [(22_019, 22_081, 22_010, 22_075), (22_075, 22_081, 22_060, 22_080)],
    ),
    "S6 B": (
        *("S6", BEAR, USUAL, 22_100, 22_100),
        [
            *[(22_019, 22_081, 22_010, 22_075), (22_075, 22_081, 22_050, 22_080)],
            (22_060, 22_062, 22_000, 22_009.95),
        ],
        [
            *[(22_019, 22_081, 22_010, 22_075), (22_075, 22_081, 22_050, 22_080)],
            (22_060, 22_062, 22_000, 22_010),
        ],
    ),
    "S7": (
        *("S7", NEUTRAL, USUAL, 21_980, 21_950),
        [(21_990, 22_000, 21_980, 21_995), (21_995, 22_010, 21_990, 22_000.05)],
        [(21_990, 22_000, 21_980, 21_995), (21_995, 22_010, 21_990, 22_000)],
    ),
    "S7 exactly 0.40 % below the high": (
        *("S7", replace(NEUTRAL, high=22_088), USUAL, 21_980, 21_950),
        [(21_990, 21_999, 21_980, 21_995), (21_995, 22_010, 21_990, 22_000)],
        [(21_990, 21_999, 21_980, 21_995), (21_995, 22_010, 21_990, 22_000.05)],
    ),
    "S8": (
        *("S8", NEUTRAL, USUAL, 22_080, 22_100),
        [(22_070, 22_080, 22_050, 22_060), (22_060, 22_065, 22_040, 22_049.95)],
        [(22_070, 22_080, 22_050, 22_060), (22_060, 22_065, 22_040, 22_050)],
    ),
    "S8 never touched": (
        *("S8", NEUTRAL, USUAL, 22_080, 22_100),
        [(22_070, 22_080, 22_050, 22_060), (22_060, 22_065, 22_040, 22_049)],
        [(22_070, 22_079.95, 22_050, 22_060), (22_060, 22_065, 22_040, 22_049)],
    ),
}


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_branch_fires_where_it_should_and_not_just_beside(branch: str) -> None:
    name, before, parameters, stop, strike, fires, misses = BRANCHES[branch]
    found = signal_of(before, fires, parameters)
    assert found is not None
    assert (found.name, found.stop_level, found.strike) == (name, to_price(stop), strike)
    assert found.bar == hourly(THIS, fires)[-1].opens
    assert signal_of(before, misses, parameters) is None


def a_later_day(*bars: Bar) -> list[Bar]:
    """A quiet first day that opens above the upper zone, then `bars` on the second."""
    quiet: Bar = (22_110, 22_118, 22_100, 22_112)
    return [(22_101, 22_120, 22_095, 22_110), *[quiet] * 6, *bars]


def test_on_later_days_a_level_is_fixed_first_and_a_close_above_it_fires() -> None:
    fixes: Bar = (22_110, 22_130, 22_108, 22_125)
    assert signal_of(BEAR, a_later_day(fixes)) is None
    found = signal_of(BEAR, a_later_day(fixes, (22_125, 22_132, 22_120, 22_130.05)))
    assert found is not None
    assert found.name is SignalName.S4
    assert signal_of(BEAR, a_later_day(fixes, (22_125, 22_132, 22_120, 22_130))) is None


def test_a_level_never_moves() -> None:
    fixes: Bar = (22_110, 22_130, 22_108, 22_125)
    higher: Bar = (22_125, 22_150, 22_120, 22_129)  # reaches further, closes below the level
    found = signal_of(BEAR, a_later_day(fixes, higher, (22_129, 22_140, 22_125, 22_131)))
    assert found is not None
    assert found.name is SignalName.S4


def test_a_bar_that_closes_down_fixes_no_level() -> None:
    down: Bar = (22_130, 22_135, 22_108, 22_125)
    assert signal_of(BEAR, a_later_day(down, (22_125, 22_145, 22_120, 22_140))) is None


def test_the_breakdown_mirrors_the_breakout_on_later_days() -> None:
    still: Bar = (22_060, 22_070, 22_052, 22_058)
    quiet: list[Bar] = [(22_070, 22_080, 22_050, 22_060), *[still] * 6]
    fixes: Bar = (22_058, 22_060, 22_040, 22_045)
    fires: Bar = (22_045, 22_050, 22_030, 22_039.95)
    assert signal_of(NEUTRAL, [*quiet, fixes]) is None
    found = signal_of(NEUTRAL, [*quiet, fixes, fires])
    assert found is not None
    assert found.name is SignalName.S8
    assert signal_of(NEUTRAL, [*quiet, fixes, (22_045, 22_050, 22_030, 22_040)]) is None


def test_a_trigger_whose_other_conditions_fail_is_spent_unless_it_may_repeat() -> None:
    too_near: Bar = (21_995, 22_030, 21_990, 22_020)
    bars: list[Bar] = [(21_990, 22_000, 21_980, 21_995), too_near, (22_020, 22_130, 22_015, 22_110)]
    assert signal_of(NEUTRAL, bars) is None
    assert signal_of(NEUTRAL, bars, SignalParameters(trigger=TriggerRule.EDGE)) is None
    found = signal_of(NEUTRAL, bars, SignalParameters(trigger=TriggerRule.REPEAT))
    assert found is not None
    assert found.name is SignalName.S7
    back: Bar = (22_020, 22_025, 21_990, 21_999)
    again = signal_of(
        NEUTRAL, [*bars[:2], back, bars[2]], SignalParameters(trigger=TriggerRule.EDGE)
    )
    assert again is not None
    assert again.name is SignalName.S7


def test_the_filter_comes_before_the_one_signal_a_week() -> None:
    bars: list[Bar] = [(22_070, 22_085, 22_050, 22_075), (22_075, 22_082, 22_060, 22_070)]
    both = signal_of(BEAR, bars)
    only_s6 = signal_of(BEAR, bars, SignalParameters(enabled=(SignalName.S6,)))
    assert both is not None
    assert only_s6 is not None
    assert (both.name, only_s6.name) == (SignalName.S3, SignalName.S6)


def test_with_the_bypass_s6_never_wins() -> None:
    bars: list[Bar] = [(22_019, 22_081, 22_010, 22_075), (22_075, 22_081, 22_060, 22_070)]
    found = signal_of(BEAR, bars, BYPASS)
    assert found is not None
    assert found.name is SignalName.S3


def test_the_touch_may_be_asked_of_the_bar_itself() -> None:
    bars: list[Bar] = [(22_070, 22_080, 22_050, 22_060), (22_060, 22_065, 22_040, 22_049)]
    assert signal_of(NEUTRAL, bars, SignalParameters(upper_touch=UpperTouch.BAR)) is None
    touching = [bars[0], (22_060, 22_080, 22_040, 22_049)]
    found = signal_of(NEUTRAL, touching, SignalParameters(upper_touch=UpperTouch.BAR))
    assert found is not None


def test_a_signal_is_known_when_its_bar_closes_and_the_last_one_closes_at_half_past_three() -> None:
    quiet: Bar = (22_020, 22_030, 22_005, 22_010)
    first: Bar = (22_070, 22_080, 22_000, 22_060)
    last_of_day: Bar = (22_010, 22_015, 21_990, 21_999)
    early = signal_of(NEUTRAL, [first, last_of_day])
    late = signal_of(NEUTRAL, [first, *[quiet] * (BARS_A_DAY - 2), last_of_day])
    assert early is not None
    assert late is not None
    assert f"{early.known_at:%H:%M}" == "11:15"
    assert f"{late.known_at:%H:%M}" == "15:30"
