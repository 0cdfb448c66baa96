"""The kernel against an oracle in whole numbers, and the rules that have no switch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_candles import ist
from munshi.domain.backtest.engine import Order, Request, Target
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing, TradeEnd
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind, Side
from munshi.errors import (
    BacktestCapitalTooSmallError,
    BacktestDataMissingError,
    JobParametersInvalidError,
    StrategyFailedError,
)

MINUTE = timedelta(minutes=1)
PAISA = 100  # ten-thousandths of a rupee
START = ist("2024-06-10 09:15")
CAPITAL = 100_000_000
FUTURE = Order(instrument="NFO:NIFTY24JUNFUT", exchange="NSE", kind=ChargeKind.FUTURES, brokerage=0)


@dataclass
class Script:
    """Decides what it was told, bar by bar."""

    targets: Sequence[Target | None]

    def decide(self, closed: Sequence[Candle], /) -> Target | None:
        return self.targets[len(closed) - 1]


def bars_of(paise: Sequence[int], *, first: datetime = START) -> list[Candle]:
    """Bars that open at one price and close at the next."""
    return [
        Candle(
            opens=first + MINUTE * number,
            open=a * PAISA,
            high=max(a, b) * PAISA,
            low=min(a, b) * PAISA,
            close=b * PAISA,
            volume=1,
        )
        for number, (a, b) in enumerate(pairwise(paise))
    ]


def request(bars: Sequence[Candle], **other: object) -> Request:
    made = Request(
        bars=bars,
        span=MINUTE,
        order=FUTURE,
        sizing=Sizing(capital=CAPITAL, lots=1, lot_size=25),
        fill_model=FillModel.NEXT_OPEN,
    )
    return replace(made, **other)  # type: ignore[arg-type]


def run(
    bars: Sequence[Candle], targets: Sequence[Target | None], **other: object
) -> BacktestResult:
    return Kernel().run(request(bars, **other), Script(targets), progress=lambda _: None)


def cross(bars: Sequence[Candle], fast: int = 2, slow: int = 5, **other: object) -> BacktestResult:
    strategy = MovingAverageCross(fast=fast, slow=slow)
    return Kernel().run(request(bars, **other), strategy, progress=lambda _: None)


PRICES = st.lists(st.integers(2_000_000, 2_001_000), min_size=2, max_size=80)
LONG, SHORT, FLAT = Target.LONG, Target.SHORT, Target.FLAT


def test_a_decision_is_filled_at_the_open_of_the_next_bar_and_slips_against_us() -> None:
    bars = bars_of([2_000_000, 2_000_100, 2_000_300, 2_000_600])
    [trade] = run(bars, [LONG, FLAT, None]).trades
    entry, exit_ = trade.legs
    assert (entry.at, entry.side, entry.quoted) == (bars[1].opens, Side.BUY, 2_000_100)
    assert (exit_.at, exit_.side, exit_.quoted) == (bars[2].opens, Side.SELL, 2_000_300)
    assert (entry.price, exit_.price) == (2_000_301, 2_000_099)  # 1 bp is 200.01 and 200.03
    assert trade.gross == (2_000_099 - 2_000_301) * 25
    assert trade.net == trade.gross - entry.cost.total - exit_.cost.total
    assert trade.end is TradeEnd.CLOSED


def test_it_may_be_filled_at_the_next_close_instead() -> None:
    bars = bars_of([2_000_000, 2_000_100, 2_000_300, 2_000_600])
    [trade] = run(bars, [LONG, None, None], fill_model=FillModel.NEXT_CLOSE).trades
    assert trade.legs[0].quoted == 2_000_300
    assert trade.legs[0].at == bars[2].opens


def test_after_a_hole_the_fill_waits_for_the_first_bar_there_is() -> None:
    bars = bars_of([2_000_000, 2_000_100])
    late = bars_of([2_010_000, 2_010_100], first=START + timedelta(minutes=61))
    [trade] = run(bars + late, [LONG, None]).trades
    assert (trade.legs[0].at, trade.legs[0].quoted) == (late[0].opens, 2_010_000)


def test_a_decision_no_price_comes_after_is_listed_as_unpriced() -> None:
    result = run(bars_of([2_000_000, 2_000_100]), [LONG])
    [trade] = result.trades
    assert (trade.end, trade.legs, trade.net) == (TradeEnd.UNPRICED, (), 0)
    assert result.equity[-1].equity == CAPITAL


def test_what_is_open_at_the_end_is_marked_and_counts() -> None:
    result = run(bars_of([2_000_000, 2_000_100, 2_000_900]), [SHORT, None])
    [trade] = result.trades
    assert trade.end is TradeEnd.OPEN_AT_END
    assert trade.mark == -2_000_900 * 25
    # Paise: 5,025 slippage (201 a unit), 966 exchange, 50 SEBI, 1,001 stamp duty and 183 GST.
    [said] = result.assumptions
    assert "getting out there would have cost 72.25 rupees more." in said
    assert result.equity[-1].equity == CAPITAL + trade.net


def test_the_last_price_is_not_used_by_the_decision_that_saw_it() -> None:
    bars = bars_of([2_000_000, 2_000_100, 2_000_300])
    seen: list[int] = []

    class Peeks:
        def decide(self, closed: Sequence[Candle], /) -> Target | None:
            seen.append(closed[-1].close)
            with pytest.raises(IndexError, match="has not closed yet"):
                closed[len(closed)]
            assert len(closed[0:99]) == len(closed)
            return None

    Kernel().run(request(bars), Peeks(), progress=lambda _: None)
    assert seen == [bar.close for bar in bars]


@given(paise=PRICES)
def test_the_trades_of_a_cross_are_those_of_the_oracle_bar_for_bar(paise: list[int]) -> None:
    bars, fast, slow = bars_of(paise), 2, 5
    closes = [bar.close for bar in bars]
    position, expected = 0, []
    for at in range(slow - 1, len(bars) - 1):
        # The oracle adds up each window anew.
        lead = (
            sum(closes[at - fast + 1 : at + 1]) * slow - sum(closes[at - slow + 1 : at + 1]) * fast
        )
        wanted = (lead > 0) - (lead < 0) or position
        if wanted != position:
            if position:
                expected.append((bars[at + 1].opens, Side.SELL if position > 0 else Side.BUY))
            expected.append((bars[at + 1].opens, Side.BUY if wanted > 0 else Side.SELL))
            position = wanted
    result = cross(bars, fast, slow)
    assert [(leg.at, leg.side) for trade in result.trades for leg in trade.legs] == expected


@given(paise=PRICES, cut=st.integers(1, 79))
def test_cutting_the_future_off_changes_no_past_trade(paise: list[int], cut: int) -> None:
    bars = bars_of(paise)
    whole, part = cross(bars), cross(bars[:cut])
    until = bars[:cut][-1].opens
    past = [leg for trade in whole.trades for leg in trade.legs if leg.at <= until]
    assert [leg for trade in part.trades for leg in trade.legs] == past
    assert part.equity == whole.equity[: len(part.equity)]


@given(
    paise=PRICES,
    targets=st.lists(st.sampled_from([LONG, SHORT, FLAT, None]), min_size=80, max_size=80),
    fill_model=st.sampled_from(FillModel),
)
def test_capital_and_trades_are_the_equity(
    paise: list[int], targets: list[Target | None], fill_model: FillModel
) -> None:
    result = run(bars_of(paise), targets, fill_model=fill_model)
    assert result.equity[-1].equity == CAPITAL + result.net
    for trade in result.trades:
        assert trade.costs == sum(
            leg.cost.brokerage
            + leg.cost.stt
            + leg.cost.transaction
            + leg.cost.sebi
            + leg.cost.stamp
            + leg.cost.gst
            + leg.cost.exercise_stt
            for leg in trade.legs
        )
        assert trade.net <= trade.gross


@given(paise=PRICES)
def test_no_decision_changes_nothing(paise: list[int]) -> None:
    result = run(bars_of(paise), [None] * 80)
    assert result.trades == ()
    assert {point.equity for point in result.equity} == {CAPITAL}


def test_the_same_run_has_the_same_hash_and_another_has_another() -> None:
    bars = bars_of([2_000_000, 2_000_100, 2_000_300, 2_000_600])
    first, again = (run(bars, [LONG, FLAT, None]) for _ in range(2))
    other = run(bars, [SHORT, FLAT, None])
    assert first.digest() == again.digest()
    assert first.digest() != other.digest()
    assert replace(first, version="later").digest() == first.digest()


def test_a_strategy_that_raises_is_named_with_its_bar() -> None:
    with pytest.raises(StrategyFailedError, match="Script failed at the bar of 2024-06-10 09:16"):
        run(bars_of([2_000_000, 2_000_100, 2_000_300]), [None])


def test_too_little_capital_and_no_bars_are_refused() -> None:
    poor = Sizing(capital=CAPITAL // 2, lots=1, lot_size=25)
    bars = bars_of([4_000_000, 4_000_100, 4_000_300])
    with pytest.raises(BacktestCapitalTooSmallError, match=r"needs 1,000,025\.00 rupees"):
        run(bars, [LONG, None], sizing=poor)
    assert run(bars, [LONG, None], sizing=poor, margin_percent=15).trades
    with pytest.raises(BacktestDataMissingError):
        run([], [])


def test_the_opening_range_is_traded_once_a_day_and_left_before_the_close() -> None:
    prices = [*[2_000_000, 2_000_500, 1_999_500, 2_000_000], 2_000_501, 2_000_700, 1_999_000]
    bars = bars_of([*prices, 1_999_000, 1_999_000])
    strategy = OpeningRangeBreakout(bars=3, exit_at=time(9, 20))
    [trade] = Kernel().run(request(bars), strategy, progress=lambda _: None).trades
    entry, exit_ = trade.legs
    # The fourth bar closes above the range; the bar of 09:20 is the first out of time.
    assert (entry.side, entry.at) == (Side.BUY, bars[4].opens)
    assert (exit_.side, exit_.at) == (Side.SELL, bars[6].opens)
    assert trade.end is TradeEnd.CLOSED


def test_parameters_that_make_no_sense_are_refused() -> None:
    for fast, slow in ((5, 5), (0, 5), (9, 5)):
        with pytest.raises(JobParametersInvalidError, match="fast must be from 1"):
            MovingAverageCross(fast=fast, slow=slow)
    with pytest.raises(JobParametersInvalidError):
        OpeningRangeBreakout(bars=0)
