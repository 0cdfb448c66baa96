"""What holds of every run of the kernel, whatever is decided over whatever bars."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.backtest.test_kernel import CAPITAL, PAISA, Script, request
from made_quotes import HeldQuotes, around, drawn_quotes
from munshi.domain.backtest.engine import Order, Request, Strategy, Target
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import BacktestResult, FillModel, LegFill, TradeEnd
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind, Side
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import QuoteTrack

DAYS = [date(2024, 9, 30), date(2024, 10, 1)]  # charges change overnight
INTERVAL = Interval.FIFTEEN_MINUTES
OPENS = [
    opens
    for day in DAYS
    for opens in MarketCalendar.packaged().bar_opens(day, INTERVAL, Segment.FNO)
]
HOURS = trading_hours(
    DAYS, interval=INTERVAL, segment=Segment.FNO, calendar=MarketCalendar.packaged()
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A request, and a strategy made anew for each time it is run."""

    told: Request
    make: Callable[[], Strategy]

    def result(self, bars: list[Candle] | None = None) -> BacktestResult:
        told = self.told if bars is None else replace(self.told, bars=bars)
        return Kernel().run(told, self.make(), progress=lambda _: None)


QUOTED = ("NSE:INFY", *(f"NSE:S{number}" for number in range(1, 11)))


def quotes() -> st.SearchStrategy[QuoteTrack]:
    """Of the minutes of both days and some around them."""
    return st.builds(
        lambda seed, holes: drawn_quotes(
            around(OPENS), lambda _: 2_450_000, seed=seed, holes=holes
        ),
        st.integers(0, 10_000),
        st.sampled_from([0.0, 0.9, 0.99]),
    )


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Bars with holes, of one of three kinds of charges, and one of three strategies."""
    bars: list[Candle] = []
    for opens in OPENS:
        low, high = sorted(draw(st.tuples(*[st.integers(2_400_000, 2_500_000)] * 2)))
        first, last = draw(st.sampled_from([(low, high), (high, low), (low, low)]))
        if draw(st.integers(0, 9)) or not bars:
            bars.append(
                Candle(
                    opens=opens,
                    open=first * PAISA,
                    high=high * PAISA,
                    low=low * PAISA,
                    close=last * PAISA,
                    volume=1,
                )
            )
    targets = draw(
        st.lists(st.sampled_from([*Target, None]), min_size=len(OPENS), max_size=len(OPENS))
    )
    makers: list[Callable[[], Strategy]] = [
        lambda: Script(targets),
        lambda: MovingAverageCross(fast=2, slow=5),
        lambda: OpeningRangeBreakout(bars=2, exit_at=time(14, 30)),
    ]
    make = draw(st.sampled_from(makers))
    kinds = st.sampled_from([ChargeKind.FUTURES, ChargeKind.INTRADAY, ChargeKind.DELIVERY])
    order = Order(instrument="NSE:INFY", exchange="NSE", kind=draw(kinds), brokerage=2_000)
    told = request(
        bars,
        span=INTERVAL.span,
        hours=HOURS,
        order=order,
        fill_model=draw(st.sampled_from(FillModel)),
        max_wait=timedelta(minutes=draw(st.sampled_from([0, 60]))),
        quotes=QuoteBook(HeldQuotes(dict.fromkeys(QUOTED, draw(quotes()))), HOURS),
    )
    return Run(told=told, make=make)


def legs_of(result: BacktestResult) -> list[LegFill]:
    return [leg for trade in result.trades for leg in trade.legs]


@given(run=runs())
def test_cash_and_position_are_the_equity_at_every_bar(run: Run) -> None:
    result = run.result()
    legs = legs_of(result)
    assert len(result.equity) == len(run.told.bars)
    for bar, point in zip(run.told.bars, result.equity, strict=True):
        # What is filled as the next bar opens, or by a quote then, comes after this one has closed.
        at_close = run.told.fill_model is FillModel.NEXT_CLOSE
        done = [leg for leg in legs if leg.at < point.at or (at_close and leg.at == point.at)]
        units = sum(leg.quantity if leg.side is Side.BUY else -leg.quantity for leg in done)
        assert point.cash == CAPITAL + sum(leg.cash - leg.cost.total for leg in done)
        assert point.position == units * (bar.close // PAISA)
        assert point.equity == point.cash + point.position
    assert result.equity[-1].equity == CAPITAL + result.net


@given(run=runs())
def test_charges_add_up_and_each_order_slips_against_us(run: Run) -> None:
    result = run.result()
    for trade in result.trades:
        assert trade.costs == sum(leg.cost.total for leg in trade.legs)
        assert trade.net == sum(leg.cash for leg in trade.legs) + trade.mark - trade.costs
        assert (trade.end is TradeEnd.UNPRICED) == (not trade.legs)
        assert (trade.end is TradeEnd.CLOSED) == (len(trade.legs) == 2)
    for leg in legs_of(result):
        against = leg.price - leg.quoted if leg.side is Side.BUY else leg.quoted - leg.price
        assert against >= run.told.order.tick
        assert leg.cost.brokerage > 0
        assert min(leg.cost.transaction, leg.cost.sebi, leg.cost.gst) > 0


@given(run=runs(), others=st.lists(st.integers(1, 10), min_size=2, max_size=4))
def test_runs_of_several_instruments_do_not_touch_each_other(run: Run, others: list[int]) -> None:
    """One after the other on one engine, in both orders; each as when it is alone."""
    each = [
        replace(
            run,
            told=replace(run.told, order=replace(run.told.order, instrument=f"NSE:S{n}", tick=n)),
        )
        for n in others
    ]
    alone = [one.result().digest() for one in each]
    engine = Kernel()
    there, back = (
        [engine.run(one.told, one.make(), progress=lambda _: None).digest() for one in order]
        for order in (each, each[::-1])
    )
    assert there == back[::-1] == alone


@given(run=runs(), cut=st.integers(1, len(OPENS) - 1), percent=st.sampled_from([0, 50, 110, 300]))
def test_other_bars_from_some_bar_on_change_nothing_before_it(
    run: Run, cut: int, percent: int
) -> None:
    bars = list(run.told.bars)
    past = bars[:cut]
    other = [
        replace(
            bar,
            open=bar.open * percent // 100,
            high=bar.high * percent // 100,
            low=bar.low * percent // 100,
            close=bar.close * percent // 100,
        )
        for bar in bars[cut:]
        if percent
    ]
    poor = replace(run, told=replace(run.told, margin_percent=1))

    whole, changed = poor.result(), poor.result([*past, *other])

    until = whole.equity[len(past) - 1].at
    assert changed.equity[: len(past)] == whole.equity[: len(past)]
    assert [leg for leg in legs_of(changed) if leg.at < until] == [
        leg for leg in legs_of(whole) if leg.at < until
    ]
    closed = [trade for trade in whole.trades if trade.end is TradeEnd.CLOSED]
    past_trades = [trade for trade in closed if trade.legs[-1].at < until]
    assert [t for t in changed.trades if t.end is TradeEnd.CLOSED][
        : len(past_trades)
    ] == past_trades


@given(run=runs())
def test_no_decision_changes_nothing(run: Run) -> None:
    idle = replace(run, make=lambda: Script([None] * len(OPENS)))
    result = idle.result()
    assert (result.trades, result.assumptions) == ((), ())
    assert {(point.cash, point.position) for point in result.equity} == {(CAPITAL, 0)}
