"""Weeks, levels and strikes; and that no later bar changes an earlier signal."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_weeks import BARS_A_DAY, BULL, NEUTRAL, THIS, Bar, hourly
from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle, to_price
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.signals.evaluation import evaluate
from munshi.domain.signals.levels import Bias, levels_of
from munshi.domain.signals.parameters import (
    FourHourBars,
    SignalParameters,
    StrikeRule,
    TriggerRule,
    WeekendSessions,
)
from munshi.domain.signals.strikes import strike_for
from munshi.errors import JobParametersInvalidError

CALENDAR = MarketCalendar.packaged()
FLAT: Bar = (22_000, 22_001, 21_999, 22_000)
STEPS = st.lists(st.integers(-60, 60), min_size=BARS_A_DAY * 15, max_size=BARS_A_DAY * 15)


def walk(steps: list[int]) -> list[Bar]:
    closes = [22_000]
    for step in steps:
        closes.append(closes[-1] + step)
    return [(a, max(a, b) + 7, min(a, b) - 7, b) for a, b in pairwise(closes)]


def three_weeks(steps: list[int]) -> list[Candle]:
    bars, week = walk(steps), BARS_A_DAY * 5
    return [
        bar
        for number in range(3)
        for bar in hourly(
            date(2024, 6, 24) + timedelta(weeks=number), bars[number * week : (number + 1) * week]
        )
    ]


@given(steps=STEPS, cut=st.integers(1, BARS_A_DAY * 15), trigger=st.sampled_from(TriggerRule))
def test_no_later_bar_changes_an_earlier_signal(
    steps: list[int], cut: int, trigger: TriggerRule
) -> None:
    bars = three_weeks(steps)
    parameters = SignalParameters(trigger=trigger)
    known_then = evaluate(bars[:cut], parameters, CALENDAR)
    known_now = evaluate(bars, parameters, CALENDAR)
    until = bars[cut - 1].opens
    # The week before the cut may be whole, but a later bar never adds a signal to the past.
    then = {w.monday: w.signal for w in known_then if w.signal}
    now = {w.monday: w.signal for w in known_now if w.signal and w.signal.bar <= until}
    assert then == now


@given(steps=STEPS)
def test_with_one_source_the_zones_lie_inside_the_extremes(steps: list[int]) -> None:
    for four_hour in FourHourBars:
        levels = levels_of(three_weeks(steps)[: BARS_A_DAY * 5], four_hour)
        assert (levels.upper_top, levels.upper_bottom) == (levels.high, levels.body_high)
        assert (levels.lower_top, levels.lower_bottom) == (levels.body_low, levels.low)


def test_the_bodies_are_those_of_half_sessions_of_four_bars_or_of_hours() -> None:
    day: list[Bar] = [(100 + i, 120, 90, 101 + i) for i in range(BARS_A_DAY)]
    day[4] = (50, 120, 40, 60)  # 13:15, the first of the afternoon
    bars = hourly(THIS, day * 2)
    by_session = levels_of(bars, FourHourBars.SESSION)
    by_clock = levels_of(bars, FourHourBars.CLOCK)
    assert by_session.body_low == to_price(50)
    assert by_clock.body_low == to_price(50)  # the fifth bar opens the second group
    assert levels_of(bars, FourHourBars.HOURLY).body_high == to_price(107)
    assert by_clock.body_high == to_price(107)
    day[4], day[3] = (104, 120, 40, 105), (103, 120, 90, 200)
    assert levels_of(hourly(THIS, day), FourHourBars.SESSION).body_high == to_price(200)


def test_the_bias_is_neutral_only_in_the_exact_middle() -> None:
    assert levels_of(NEUTRAL.bars(), FourHourBars.SESSION).bias is Bias.NEUTRAL
    assert levels_of(BULL.bars(), FourHourBars.SESSION).bias is Bias.BULL


def test_a_margin_is_three_zone_widths_but_a_quarter_point_at_least() -> None:
    levels = levels_of(NEUTRAL.bars(), FourHourBars.SESSION)
    assert levels.upper_margin == to_price(60)
    flat = levels_of(hourly(THIS, [(100, 100, 100, 100)]), FourHourBars.SESSION)
    assert flat.lower_margin == to_price(0.25)


def test_a_week_without_the_one_before_is_not_evaluated() -> None:
    late = hourly(THIS + timedelta(weeks=1), [FLAT] * 3)  # 17 June 2024 is a holiday
    [outcome] = evaluate(NEUTRAL.bars() + late, SignalParameters(), CALENDAR)
    assert outcome.not_evaluated == "There are no bars of the week before."


def test_a_lost_session_of_the_week_before_is_named() -> None:
    before = [bar for bar in NEUTRAL.bars() if bar.opens.astimezone(IST).day != 5]
    [outcome] = evaluate(before + hourly(THIS, [FLAT] * 3), SignalParameters(), CALENDAR)
    assert outcome.not_evaluated == "The week before lacks the session of 2024-06-05."


def test_a_week_whose_first_bar_is_missing_is_not_evaluated() -> None:
    this = hourly(THIS, [FLAT] * 3, skip=1)
    [outcome] = evaluate(NEUTRAL.bars() + this, SignalParameters(), CALENDAR)
    assert outcome.not_evaluated == "The first bar of the week is missing: 2024-06-10 09:15."
    assert outcome.signal is None


def test_a_week_that_begins_on_tuesday_for_a_holiday_is_evaluated() -> None:
    before = hourly(THIS, [FLAT] * BARS_A_DAY * 5)
    this = hourly(date(2024, 6, 18), [FLAT] * 3)
    [outcome] = evaluate(before + this, SignalParameters(), CALENDAR)
    assert outcome.not_evaluated is None


def test_weekend_sessions_count_only_where_they_are_kept() -> None:
    saturday = hourly(date(2024, 3, 2), [(22_000, 22_900, 21_999, 22_000)])
    monday = date(2024, 2, 26)
    bars = hourly(monday, [FLAT] * BARS_A_DAY * 5) + saturday
    bars += hourly(date(2024, 3, 4), [FLAT] * 2)
    [dropped] = evaluate(bars, SignalParameters(), CALENDAR)
    kept_parameters = SignalParameters(weekend_sessions=WeekendSessions.KEEP)
    [kept] = evaluate(bars, kept_parameters, CALENDAR)
    assert dropped.levels is not None
    assert kept.levels is not None
    assert (dropped.levels.high, kept.levels.high) == (to_price(22_001), to_price(22_900))


@pytest.mark.parametrize(
    ("level", "sells", "rule", "strike"),
    [
        (22_049.95, "PE", "away50", 22_000),
        (22_050, "PE", "away50", 22_050),
        (22_050.05, "CE", "away50", 22_100),
        (22_050, "CE", "away50", 22_050),
        (22_050, "PE", "nearest100", 22_100),
        (22_049.95, "CE", "nearest100", 22_000),
        (22_099, "PE", "away50_nearest100", 22_100),
        (22_049, "PE", "away50_nearest100", 22_000),
    ],
)
def test_a_level_becomes_a_strike_by_the_rule(
    level: float, sells: str, rule: str, strike: int
) -> None:
    assert strike_for(to_price(level), InstrumentKind(sells), StrikeRule(rule)) == strike


def test_parameters_travel_as_json_and_what_is_wrong_is_named() -> None:
    given = SignalParameters(trigger=TriggerRule.EDGE, zone_touch_bypass=True)
    assert SignalParameters.from_json(given.to_json()) == given
    for wrong, said in (
        ({"trigger": "twice"}, "trigger must be one of once, edge, repeat, not 'twice'"),
        ({"enabled": ["S9"]}, "enabled must be a list of some of S1"),
        ({"colour": 1}, "No parameter of the signals: colour"),
        ({"zone_touch_bypass": 1}, "zone_touch_bypass must be true or false"),
    ):
        with pytest.raises(JobParametersInvalidError, match=said):
            SignalParameters.from_json(wrong)
