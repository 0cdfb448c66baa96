"""The kernel and nautilus_trader come to the same result, to the paisa and to the point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agreement.signals import scenes
from domain.backtest.test_kernel import CAPITAL, PAISA, Script, request
from made_quotes import HeldQuotes, around, drawn_quotes
from munshi.backtest.nautilus_engine import NautilusEngine
from munshi.domain.backtest.confirmation import confirmation_of
from munshi.domain.backtest.engine import Order, Request, Strategy, Target
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing, TradeEnd
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    BacktestCapitalTooSmallError,
    BacktestDataMissingError,
    MarketFactUnknownError,
    StrategyFailedError,
)

DAYS = [date(2024, 9, 30), date(2024, 10, 1), date(2024, 10, 3)]  # charges change; a holiday
CALENDAR = MarketCalendar.packaged()


def walk(
    interval: Interval, *, seed: int, holes: float = 0.0, days: Sequence[date] = DAYS
) -> list[Candle]:
    """A random walk in ten-thousandths of a rupee, of which a share of the bars is missing."""
    random = Random(seed)  # noqa: S311
    price, found = 25_000 * 10_000, []
    for day in days:
        for opens in CALENDAR.bar_opens(day, interval, Segment.FNO):
            prices = [price + random.randint(-200_000, 200_000) for _ in range(3)]
            close = prices[-1]
            if random.random() >= holes:
                found.append(
                    Candle(
                        opens=opens,
                        open=prices[0],
                        high=max(prices),
                        low=min(prices),
                        close=close,
                        volume=1,
                    )
                )
            price = close
    return found


def told(bars: Sequence[Candle], interval: Interval, **other: object) -> Request:
    hours = trading_hours(DAYS, interval=interval, segment=Segment.FNO, calendar=CALENDAR)
    return request(bars, span=interval.span, hours=hours, **other)


def both(wanted: Request, *strategies: Strategy) -> tuple[BacktestResult, BacktestResult]:
    first, second = strategies
    return (
        Kernel().run(wanted, first, progress=lambda _: None),
        NautilusEngine().run(wanted, second, progress=lambda _: None),
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    seed: int
    holes: float
    interval: Interval
    fill_model: FillModel
    kind: ChargeKind
    minutes: int
    quote_holes: float
    targets: list[Target | None]

    def quotes(self, name: str) -> HeldQuotes:
        """In whole minutes from before the opening to after the close, around one price."""
        minutes = around(CALENDAR.bar_opens(day, Interval.ONE_DAY, Segment.FNO)[0] for day in DAYS)
        track = drawn_quotes(minutes, lambda _: 2_500_000, seed=self.seed, holes=self.quote_holes)
        return HeldQuotes({name: track})


CASES = st.builds(
    Case,
    seed=st.integers(0, 10_000),
    holes=st.sampled_from([0.0, 0.3]),
    interval=st.sampled_from([Interval.FIFTEEN_MINUTES, Interval.ONE_HOUR, Interval.ONE_DAY]),
    fill_model=st.sampled_from(FillModel),
    kind=st.sampled_from([ChargeKind.FUTURES, ChargeKind.INTRADAY, ChargeKind.DELIVERY]),
    minutes=st.sampled_from([0, 60]),
    quote_holes=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
    targets=st.lists(st.sampled_from([*Target, None]), min_size=80, max_size=80),
)


@settings(max_examples=30)
@given(case=CASES)
def test_whatever_is_decided_both_come_to_the_same(case: Case) -> None:
    bars = walk(case.interval, seed=case.seed, holes=case.holes)
    assume(bars)
    hours = trading_hours(DAYS, interval=case.interval, segment=Segment.FNO, calendar=CALENDAR)
    wanted = told(
        bars,
        case.interval,
        fill_model=case.fill_model,
        order=Order(instrument="NSE:INFY", exchange="NSE", kind=case.kind, brokerage=2_000),
        max_wait=timedelta(minutes=case.minutes),
        quotes=QuoteBook(case.quotes("NSE:INFY"), hours),
    )

    ours, theirs = both(wanted, Script(case.targets), Script(case.targets))

    assert theirs.trades == ours.trades
    assert theirs.equity == ours.equity
    assert theirs.digest() == ours.digest()


@pytest.mark.parametrize("fill_model", FillModel)
@pytest.mark.parametrize(
    "make",
    [lambda: MovingAverageCross(fast=5, slow=20), lambda: OpeningRangeBreakout(bars=15)],
    ids=["ma_cross", "opening_range"],
)
def test_the_plain_strategies_agree_on_minutes(make: object, fill_model: FillModel) -> None:
    wanted = told(walk(Interval.ONE_MINUTE, seed=1), Interval.ONE_MINUTE, fill_model=fill_model)
    assert callable(make)

    ours, theirs = both(wanted, make(), make())
    made = confirmation_of(ours, theirs, duration_ms=0)

    assert len(ours.trades) >= len(DAYS)
    assert (made.is_same, made.differ, made.price_difference) == (True, 0, 0)
    assert (theirs.engine, theirs.version) == ("nautilus", "1.221.0")


def test_they_agree_on_the_signals_that_all_engines_are_shown() -> None:
    for scene in scenes():
        ours, theirs = both(scene.request(), Script(scene.targets), Script(scene.targets))
        assert theirs.digest() == ours.digest(), scene.name
        assert sum(trade.end is TradeEnd.CLOSED for trade in ours.trades) > 5, scene.name


def test_what_the_kernel_refuses_nautilus_refuses() -> None:
    interval = Interval.FIFTEEN_MINUTES
    wanted = told(walk(interval, seed=1), interval)
    early = [replace(bar, opens=bar.opens.replace(year=1990)) for bar in wanted.bars]
    poor = Sizing(capital=CAPITAL // 200, lots=1, lot_size=25)
    always = [Target.LONG] * len(wanted.bars)
    cases: list[tuple[Request, list[Target], type[Exception]]] = [
        (replace(wanted, bars=[]), [], BacktestDataMissingError),
        (replace(wanted, sizing=poor), always, BacktestCapitalTooSmallError),
        (replace(wanted, bars=early), always, MarketFactUnknownError),
        (wanted, [], StrategyFailedError),
    ]
    for case, targets, error in cases:
        for engine in (Kernel(), NautilusEngine()):
            with pytest.raises(error):
                engine.run(case, Script(targets), progress=lambda _: None)


def test_a_stop_comes_through_while_it_runs() -> None:
    wanted = told(walk(Interval.ONE_MINUTE, seed=1, days=DAYS * 2), Interval.ONE_MINUTE)

    def stop(share: float) -> None:
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NautilusEngine().run(wanted, MovingAverageCross(), progress=stop)


def test_what_differs_is_told_trade_by_trade() -> None:
    bars = walk(Interval.FIFTEEN_MINUTES, seed=1)
    targets = [Target.LONG, Target.FLAT] * len(bars)
    wanted = told(bars, Interval.FIFTEEN_MINUTES)
    result = Kernel().run(wanted, Script(targets), progress=lambda _: None)
    first, second, *rest = result.trades
    dearer = replace(first.legs[0], price=first.legs[0].price + 3 * PAISA)
    changed = replace(first, legs=(dearer, *first.legs[1:]))
    other = replace(
        result, engine="other", trades=(changed, replace(second, end=TradeEnd.UNPRICED, legs=()))
    )

    found = confirmation_of(result, other, duration_ms=5)

    assert not found.is_same
    assert (found.differ, found.price_difference) == (2 + len(rest), 3 * PAISA)
    told_of = [(each.what, each.net, each.net_there) for each in found.differences]
    assert told_of[:3] == [
        ("other prices", first.net, changed.net),
        ("other times", second.net, 0),
        ("only here", rest[0].net, None),
    ]
