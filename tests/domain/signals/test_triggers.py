"""The trigger of S4, S7 and S8: what fixes a level on a later day, and when it is spent."""

from dataclasses import replace

import pytest

from domain.signals.test_rules import USUAL, signal_of
from made_weeks import BEAR, NEUTRAL, Bar
from munshi.domain.signals.parameters import SignalName, SignalParameters, TriggerRule

S4 = replace(USUAL, enabled=(SignalName.S4,))
QUIET: Bar = (22_110, 22_118, 22_100, 22_112)
REACHES: Bar = (22_110, 22_140, 22_100, 22_112)  # further than the first bar, and closes within
FIRST: Bar = (22_101, 22_120, 22_095, 22_110)


def fires(*later: Bar, first_day: Bar = QUIET) -> bool:
    """Whether S4 holds at the last of `later`, bars of the second day."""
    return signal_of(BEAR, [FIRST, first_day, *[QUIET] * 5, *later], S4) is not None


@pytest.mark.parametrize(
    ("fixes", "does_not", "first_day", "then"),
    [
        # It closes above its own open.
        ((22_121, 22_130, 22_108, 22_121.05), (22_121, 22_130, 22_108, 22_121), QUIET, 22_130.05),
        # It closes above the high of the week's first bar.
        ((22_110, 22_130, 22_108, 22_120.05), (22_110, 22_130, 22_108, 22_120), QUIET, 22_130.05),
        # It reaches as far as every bar before it.
        ((22_110, 22_140, 22_108, 22_125), (22_110, 22_139.95, 22_108, 22_125), REACHES, 22_140.05),
    ],
)
def test_what_fixes_a_level_on_a_later_day(
    fixes: Bar, does_not: Bar, first_day: Bar, then: float
) -> None:
    # It closes below its open, so that it can fix no level of its own.
    beyond: Bar = (then + 1, then + 2, then - 5, then)

    assert fires(fixes, beyond, first_day=first_day)
    assert not fires(does_not, beyond, first_day=first_day)


def test_bars_of_later_days_are_reached_as_far_as_too() -> None:
    falls: Bar = (22_149, 22_150, 22_110, 22_115)
    beyond: Bar = (22_156, 22_157, 22_150, 22_155)

    assert fires(falls, (22_115, 22_150, 22_110, 22_125), beyond)
    assert not fires(falls, (22_115, 22_149.95, 22_110, 22_125), beyond)


def test_once_spent_it_stays_spent_though_prices_came_back() -> None:
    near: Bar = (21_995, 22_030, 21_990, 22_020)
    back: Bar = (22_020, 22_025, 21_990, 21_999)
    week: list[Bar] = [
        (21_990, 22_000, 21_980, 21_995),
        near,
        back,
        (22_020, 22_130, 22_015, 22_110),
    ]

    assert signal_of(NEUTRAL, week) is None
    again = signal_of(NEUTRAL, week, SignalParameters(trigger=TriggerRule.EDGE))
    assert again is not None


@pytest.mark.parametrize("rule", TriggerRule)
def test_by_no_rule_does_a_close_at_the_extreme_break_out(rule: TriggerRule) -> None:
    parameters = SignalParameters(trigger=rule, enabled=(SignalName.S4,))
    beyond: Bar = (22_110, 22_125, 22_105, 22_120.05)

    assert signal_of(BEAR, [FIRST, (*beyond[:3], 22_120)], parameters) is None
    assert signal_of(BEAR, [FIRST, beyond], parameters) is not None
