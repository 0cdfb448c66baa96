"""Weekly selling: the signals as they are told, contracts and ways out, and no look ahead."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_candles import ist
from made_options import (
    CALENDAR,
    FIVE,
    WalkedTracks,
    flat_bars,
    maker,
    opens_of,
    option_request,
    run_options,
)
from made_weeks import NEUTRAL, THIS, hourly
from munshi.domain.backtest.catalogue import make_strategy
from munshi.domain.backtest.facts import RunFacts, prepared
from munshi.domain.backtest.metrics import daily_equity, daily_returns, metrics_of
from munshi.domain.backtest.options.hours import HourBars
from munshi.domain.backtest.options.trials import OptionTrials, TrialFigures
from munshi.domain.backtest.results import BacktestResult, TradeEnd
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.domain.signals.evaluation import evaluate
from munshi.domain.signals.parameters import SignalName, SignalParameters
from munshi.errors import JobParametersInvalidError

FIRST, LAST = date(2024, 1, 1), date(2024, 3, 28)
NAMES = ("weekly_option_selling", "short_straddle", "short_strangle")
TOLD: dict[str, dict[str, Any]] = {
    "weekly_option_selling": {},
    "short_straddle": {"leg_stop_percent": 25, "stop_percent": 40},
    "short_strangle": {"exit_at": "expiry", "distance": 100, "hedge_distance": 100},
}


@cache
def walked() -> list[Candle]:
    """Five-minute bars of a random walk, wide enough for signals of every kind."""
    random, prices = Random(7), [2_170_000]  # noqa: S311
    opens = opens_of(FIRST, LAST)
    for _ in opens:
        prices.append(prices[-1] + random.randint(-2_000, 2_000))
    return flat_bars(opens, lambda number: prices[number])


@cache
def whole(name: str) -> BacktestResult:
    request = option_request(walked(), WalkedTracks(walked()))
    return run_options(request, maker(name, **TOLD[name])())


def test_hours_are_told_when_they_close_and_one_that_lacks_its_end_with_the_next_bar() -> None:
    hours, told = HourBars(timedelta(minutes=5)), []
    bars = [bar for bar in walked()[:75] if f"{bar.opens:%H:%M}" != "11:10"]
    for bar in bars:
        told += [(hour.opens, bar.opens, hour.close) for hour in hours.push(bar)]

    assert [f"{opens:%H:%M}" for opens, _, _ in told] == [f"{hour:02}:15" for hour in range(9, 16)]
    assert [at for _, at, _ in told[:3]] == [
        ist("2024-01-01 10:10"),
        ist("2024-01-01 11:15"),
        ist("2024-01-01 12:10"),
    ]
    assert told[0][2] == bars[11].close


def test_every_signal_of_the_bars_is_sold_as_it_says_with_its_hedge_further_out() -> None:
    hours = HourBars(timedelta(minutes=5))
    hourly_bars = [hour for bar in walked() for hour in hours.push(bar)]
    weeks = evaluate(hourly_bars, SignalParameters(), CALENDAR)
    signals = [week.signal for week in weeks if week.signal]

    trades = whole("weekly_option_selling").trades

    assert len(signals) > 5
    assert [(trade.decided_at, trade.signal) for trade in trades] == [
        (signal.known_at, signal.name) for signal in signals
    ]
    for trade, signal in zip(trades, signals, strict=True):
        sold, bought = trade.legs[:2]
        assert (sold.side, bought.side) == (Side.SELL, Side.BUY)
        assert sold.instrument.endswith(f"{signal.strike}{signal.sells}")
        out = signal.strike + (200 if signal.sells == "CE" else -200)
        assert bought.instrument.endswith(f"{out}{signal.sells}")
        assert min(leg.at for leg in trade.legs) >= signal.known_at
    ways_out = {trade.legs[-1].cost.brokerage for trade in trades}
    assert ways_out == {0, 2_000}  # some expire, some are stopped


def test_an_hourly_close_at_the_strike_ends_the_trade_only_where_there_is_a_stop() -> None:
    fall = [
        (21_950, 21_960, 21_880, 21_890),
        (21_890, 21_900, 21_885, 21_895),
    ]  # S1 sells 21,800 PE
    after = [(21_895, 21_895, 21_801, 21_801), (21_801, 21_801, 21_790, 21_800)]
    flat = [(21_800, 21_800, 21_800, 21_800)] * 24
    bars = [*NEUTRAL.bars(), *hourly(THIS, [*fall, *after, *flat])]
    request = replace(option_request(bars, WalkedTracks(bars)), span=timedelta(hours=1))

    def trade(**told: object) -> object:
        strategy = maker("weekly_option_selling", span=timedelta(hours=1), **told)()
        [found] = run_options(request, strategy).trades
        return found.legs[-1].at

    assert trade() == ist("2024-06-10 13:15")
    assert trade(stop_basis="level") == ist("2024-06-10 12:15")
    assert trade(stop=False) == ist("2024-06-13 15:30")


@pytest.mark.parametrize("name", NAMES)
def test_cash_and_positions_are_the_equity_and_charges_add_up(name: str) -> None:
    result = whole(name)

    assert len(result.trades) > 5
    assert result.equity[-1].equity == result.sizing.capital + sum(t.net for t in result.trades)
    for trade in result.trades:
        parts = sum(
            cost.brokerage
            + cost.stt
            + cost.transaction
            + cost.sebi
            + cost.stamp
            + cost.gst
            + cost.exercise_stt
            for cost in (leg.cost for leg in trade.legs)
        )
        assert trade.costs == parts
        if trade.end is TradeEnd.CLOSED:
            held: dict[str, int] = {}
            for leg in trade.legs:
                sign = 1 if leg.side is Side.BUY else -1
                held[leg.instrument] = held.get(leg.instrument, 0) + sign * leg.quantity
            assert set(held.values()) == {0}
    events = sorted(
        # An order is done before a bar closes; what expires settles when it does.
        (leg.at, leg.cost.brokerage > 0, leg.cash - leg.cost.total)
        for trade in result.trades
        for leg in trade.legs
    )
    cash = result.sizing.capital
    for point in result.equity:
        while events and (events[0][0] < point.at or events[0][:2] == (point.at, False)):
            cash += events.pop(0)[2]
        assert point.cash == cash


@pytest.mark.parametrize("name", NAMES)
@given(cut=st.integers(300, 4_300), percent=st.integers(80, 120))
@settings(max_examples=5)
def test_no_later_bar_of_index_or_options_changes_what_was_traded(
    name: str, cut: int, percent: int
) -> None:
    bars = walked()
    later = [
        replace(
            bar,
            open=bar.open * percent // 100,
            high=bar.high * percent // 100,
            low=bar.low * percent // 100,
            close=bar.close * percent // 100,
        )
        for bar in bars[cut:]
    ]
    changed = [*bars[:cut], *later]
    other = run_options(option_request(changed, WalkedTracks(changed)), maker(name, **TOLD[name])())

    before = whole(name)
    last = bars[cut].opens
    assert _ended(before, last) == _ended(other, last)
    assert before.equity[: cut - 1] == other.equity[: cut - 1]


def _ended(result: BacktestResult, last: object) -> list[object]:
    return [
        trade
        for trade in result.trades
        if trade.end is TradeEnd.CLOSED and max(leg.at for leg in trade.legs) < last  # type: ignore[operator]
    ]


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("short_straddle", {"exit_at": "noon"}, "exit_at must be a time like 15:15, or expiry"),
        ("short_straddle", {"exit_at": "09:00"}, "exit_at must be after entry_at, 09:20"),
        ("short_straddle", {"distance": 100}, "A straddle has no distance"),
        ("short_strangle", {"leg_stop_percent": -1}, "leg_stop_percent must be 0 or more"),
        ("weekly_option_selling", {"hedge_distance": 0}, "hedge_distance must be 1 point or more"),
        (
            "weekly_option_selling",
            {"trigger": "twice"},
            "trigger must be one of once, edge, repeat",
        ),
        ("weekly_option_selling", {"enabled": "S1+S9"}, "enabled must be a list of some of S1"),
        ("weekly_option_selling", {"enabled": 3}, "enabled must be a list of words"),
        ("short_strangle", {"exit_at": 3}, "exit_at must be a word, not 3"),
    ],
)
def test_a_wrong_parameter_is_one_clear_error(name: str, told: dict[str, Any], said: str) -> None:
    with pytest.raises(JobParametersInvalidError, match=said):
        maker(name, **told)()


def test_the_filter_on_signals_comes_before_the_rule_of_one_a_week() -> None:
    request = option_request(walked(), WalkedTracks(walked()))
    told = {trade.signal for trade in whole("weekly_option_selling").trades}
    for one in SignalName:
        trades = run_options(request, maker("weekly_option_selling", enabled=one.value)()).trades
        assert {trade.signal for trade in trades} <= {one.value}
        assert one.value not in told or trades


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_of_a_sweep_has_the_figures_and_the_hash_of_the_run(name: str) -> None:
    trials = OptionTrials(option_request(walked(), WalkedTracks(walked())))
    facts = RunFacts(span=FIVE, calendar=CALENDAR, strike_step=50)

    def trial(**told: object) -> TrialFigures:
        make = prepared(lambda: make_strategy(name, {**TOLD[name], **told}), facts, shares=True)
        return trials.run(make())

    trial(hedge_distance=300)  # what it leaves in the memo must not matter
    found, alone = trial(), whole(name)

    assert found.result_hash == alone.digest().hex()
    assert found.metrics == metrics_of(alone)
    assert found.net == alone.net
    capital = alone.sizing.capital
    assert list(found.returns) == daily_returns(capital, daily_equity(alone.equity))
