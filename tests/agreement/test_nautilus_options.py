"""Options of several legs in both engines: every order, every point of the curve, to the paisa."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.backtest.options.test_option_ledger import Ledger, asked, hold, read_ledgers
from made_candles import ist
from made_options import (
    CALENDAR,
    StoredTracks,
    WalkedTracks,
    flat_bars,
    maker,
    opens_of,
    option_request,
    run_options,
)
from made_quotes import around, drawn_quotes
from munshi.backtest.nautilus_engine import NautilusEngine
from munshi.clock import IST
from munshi.domain.backtest.confirmation import confirmation_of
from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.hours import TradingHours, trading_hours
from munshi.domain.backtest.options.engine import OptionsEngine
from munshi.domain.backtest.options.market import OptionRequest, PriceTrack
from munshi.domain.backtest.options.orders import Enter, Exit, Leg, Orders
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing, TradeEnd
from munshi.domain.market.calendar import Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.expiries import ExpiryKind
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import QuoteTrack
from munshi.errors import (
    BacktestCapitalTooSmallError,
    BacktestDataMissingError,
    StrategyFailedError,
)

NAMES = ("a", "b", "c")
CE, PE = InstrumentKind.CALL, InstrumentKind.PUT
WEEKS = {
    "charges and a holiday": (date(2024, 9, 30), date(2024, 10, 4)),
    "expiry on a Wednesday": (date(2024, 8, 13), date(2024, 8, 16)),
    "from Thursdays to Tuesdays": (date(2025, 8, 28), date(2025, 9, 2)),
    "options trade on after the index": (date(2026, 8, 3), date(2026, 8, 5)),
}


def in_nautilus(request: OptionRequest, strategy: Strategy) -> BacktestResult:
    return NautilusEngine().run(request, strategy, progress=lambda _: None)


def walk(first: date, last: date, *, seed: int, step: int) -> list[Candle]:
    return walk_over(opens_of(first, last), seed=seed, step=step)


def walk_over(opens: Sequence[datetime], *, seed: int, step: int) -> list[Candle]:
    """From 23,000.00, at most `step` paise a bar."""
    random, prices = Random(seed), [2_300_000]  # noqa: S311
    for _ in opens:
        prices.append(prices[-1] + random.randint(-step, step))
    return flat_bars(opens, lambda number: prices[number])


@dataclass(frozen=True, kw_only=True)
class Case:
    """A share of the bars of the index, of the options and of whole contracts is missing."""

    seed: int
    week: str
    interval: Interval
    step: int
    time_value: int
    index_holes: float
    holes: float
    gone: float
    fill_model: FillModel
    quote_holes: float
    lots: int
    wait: int

    def request(self) -> OptionRequest:
        week, random = WEEKS[self.week], Random(self.seed)  # noqa: S311
        of_index = set(opens_of(*week, interval=self.interval))
        opens = opens_of(*week, interval=self.interval, segment=Segment.FNO)
        bars = walk_over(opens, seed=self.seed, step=self.step)
        return option_request(
            [bar for bar in bars if bar.opens in of_index and random.random() >= self.index_holes],
            Holed(self, WalkedTracks(bars, self.time_value)),
            span=self.interval.span,
            fill_model=self.fill_model,
            max_wait=timedelta(minutes=self.wait),
            quotes=QuoteBook(Quoted(self, opens), self._hours(opens)),
            sizing=Sizing(capital=1_000_000_000, lots=self.lots, lot_size=1),
        )

    @staticmethod
    def _hours(opens: Sequence[datetime]) -> TradingHours:
        days = sorted({at.astimezone(IST).date() for at in opens})
        return trading_hours(
            days, interval=Interval.ONE_MINUTE, segment=Segment.FNO, calendar=CALENDAR
        )


@dataclass(frozen=True)
class Quoted:
    """Quotes of each contract at any price; some have none at all."""

    case: Case
    opens: Sequence[datetime]

    def track(self, instrument: str) -> QuoteTrack:
        random = Random(f"{self.case.seed} quotes {instrument}")  # noqa: S311
        if random.random() < self.case.gone:
            return QuoteTrack()
        return drawn_quotes(
            around(self.opens),
            lambda _: random.randint(5, 50_000),
            seed=f"{self.case.seed} {instrument}",
            holes=self.case.quote_holes,
        )


@dataclass(frozen=True)
class Holed:
    case: Case
    whole: WalkedTracks

    def track(self, instrument: str, expiry: date) -> PriceTrack:
        random = Random(f"{self.case.seed} {instrument}")  # noqa: S311
        if random.random() < self.case.gone:
            return PriceTrack()
        track = self.whole.track(instrument, expiry)
        kept = [each for each in range(len(track.stamps)) if random.random() >= self.case.holes]
        columns = ("stamps", "opens", "highs", "lows", "closes")
        return PriceTrack(
            **{name: [getattr(track, name)[each] for each in kept] for name in columns}
        )


@dataclass
class Drawn:
    """Orders at an eighth of all bars: up to four legs, stops, trades that share contracts."""

    seed: int

    def decide(self, closed: Sequence[Candle], /) -> Orders:
        random = Random(f"{self.seed} {len(closed)}")  # noqa: S311
        if random.random() > 1 / 8:
            return ()
        return tuple(self._order(random) for _ in range(random.randint(1, 2)))

    def _order(self, random: Random) -> Enter | Exit:
        name = random.choice(NAMES)
        if random.random() < 0.4:
            return Exit(name=name)
        return Enter(
            name=name,
            legs=tuple(
                Leg(
                    side=random.choice(list(Side)),
                    kind=random.choice([CE, PE]),
                    strike=23_000 + 50 * random.randint(-3, 3),
                )
                for _ in range(random.randint(1, 4))
            ),
            expiry=random.choice(list(ExpiryKind)),
            leg_stop_percent=random.choice([None, None, 1, 10]),
            stop_percent=random.choice([None, None, 1, 5]),
            only_when_flat=random.random() < 0.1,
            max_days=random.choice([None, None, 0, 3]),
        )


CASES = st.builds(
    Case,
    seed=st.integers(0, 100_000),
    week=st.sampled_from(sorted(WEEKS)),
    interval=st.sampled_from([Interval.FIVE_MINUTES, Interval.FIFTEEN_MINUTES, Interval.ONE_HOUR]),
    step=st.sampled_from([300, 3_000]),
    time_value=st.sampled_from([20, 4_000]),  # at 20 an option is sold at nothing
    index_holes=st.sampled_from([0.0, 0.1, 0.5]),
    holes=st.sampled_from([0.0, 0.3, 0.9]),
    gone=st.sampled_from([0.0, 0.2]),
    fill_model=st.sampled_from(FillModel),
    quote_holes=st.sampled_from([0.0, 0.5, 0.95]),
    lots=st.integers(1, 2),
    wait=st.sampled_from([0, 30, 60, 600]),
)


@settings(max_examples=25)
@given(case=CASES)
def test_whatever_is_decided_both_come_to_the_same(case: Case) -> None:
    ours, theirs = case.request(), case.request()

    kernel = run_options(ours, Drawn(case.seed))
    nautilus = in_nautilus(theirs, Drawn(case.seed))

    assert nautilus.trades == kernel.trades
    assert nautilus.equity == kernel.equity
    assert nautilus.digest() == kernel.digest()
    assert theirs.coverage() == ours.coverage()


def test_a_close_after_the_settlement_fills_nothing_in_either() -> None:
    """Hourly bars of options end at 15:40 then, the index at 15:30, whose last bar is missing."""
    week = WEEKS["options trade on after the index"]
    opens = opens_of(*week, interval=Interval.ONE_HOUR)
    bars = flat_bars(opens, lambda _: 2_300_000)
    enter = Enter(name="a", legs=(Leg(side=Side.SELL, kind=CE, strike=23_000),))
    request = option_request(
        [bar for bar in bars if f"{bar.opens.astimezone(IST):%d %H:%M}" != "04 15:15"],
        WalkedTracks(bars),
        span=Interval.ONE_HOUR.span,
        fill_model=FillModel.NEXT_CLOSE,
    )

    for run in (run_options, in_nautilus):
        [trade] = run(request, At(ist("2026-08-04 14:15"), (enter,))).trades
        assert (trade.end, trade.legs) == (TradeEnd.UNPRICED, ())
        assert trade.expiry == date(2026, 8, 4)


@pytest.mark.parametrize("ledger", read_ledgers(), ids=lambda ledger: ledger.title)
def test_nautilus_comes_to_the_ledger_to_the_paisa(ledger: Ledger) -> None:
    hold(in_nautilus(*asked(ledger)), ledger)


@pytest.mark.parametrize(
    ("name", "told", "fill_model", "orders", "exercised"),
    [
        ("weekly_option_selling", {"hedge_distance": 100}, FillModel.NEXT_CLOSE, 12, 0),
        ("weekly_option_selling", {"stop": False}, FillModel.NEXT_OPEN, 12, 1),
        ("short_straddle", {"leg_stop_percent": 20}, FillModel.NEXT_CLOSE, 48, 0),
        (
            "short_strangle",
            {"hedge_distance": 100, "distance": 50, "stop_percent": 60, "exit_at": "expiry"},
            FillModel.NEXT_OPEN,
            70,
            2,
        ),
    ],
)
def test_the_strategies_agree_with_hedges_stops_and_expiries(
    name: str, told: dict[str, object], fill_model: FillModel, orders: int, exercised: int
) -> None:
    bars = walk(date(2024, 9, 9), date(2024, 10, 4), seed=0, step=5_000)
    make = maker(name, **told)  # type: ignore[arg-type]
    request = option_request(bars, WalkedTracks(bars), fill_model=fill_model)

    ours, theirs = run_options(request, make()), in_nautilus(request, make())
    made = confirmation_of(ours, theirs, duration_ms=0)

    assert (made.is_same, made.differ, made.price_difference) == (True, 0, 0)
    assert (theirs.engine, theirs.version) == ("nautilus", "1.221.0")
    assert theirs.assumptions == ours.assumptions
    legs = [leg for trade in theirs.trades for leg in trade.legs]
    assert len(legs) >= orders
    assert sum(leg.cost.exercise_stt > 0 for leg in legs) >= exercised


def test_the_curve_of_nautilus_is_what_its_trades_brought() -> None:
    bars = walk(date(2024, 9, 30), date(2024, 10, 4), seed=1, step=1_200)
    make = maker("short_strangle", exit_at="expiry", hedge_distance=100, stop_percent=1)

    result = in_nautilus(option_request(bars, WalkedTracks(bars)), make())

    nets = sum(trade.net for trade in result.trades)
    assert len(result.trades) > 1
    assert result.equity[-1].equity - result.sizing.capital == nets != 0


def test_what_the_options_engine_refuses_nautilus_refuses_in_the_same_words() -> None:
    bars = walk(date(2024, 9, 30), date(2024, 9, 30), seed=1, step=1_200)
    wanted = option_request(bars, WalkedTracks(bars))
    legs = (Leg(side=Side.BUY, kind=CE, strike=20_000),)
    cases: list[tuple[OptionRequest, Callable[[], Strategy], type[Exception]]] = [
        (replace(wanted, bars=[]), maker("short_straddle"), BacktestDataMissingError),
        (replace(wanted, margin_percent=200_000), maker("short_straddle"), POOR),
        (poor(wanted), lambda: Always((Enter(name="a", legs=legs),)), POOR),
        (wanted, lambda: Always("sell"), StrategyFailedError),
    ]
    for request, make, error in cases:
        said = []
        for engine in (OptionsEngine(), NautilusEngine()):
            with pytest.raises(error) as raised:
                engine.run(request, make(), progress=lambda _: None)
            said.append(str(raised.value))
        assert said[0] == said[1]


def test_no_price_of_any_contract_is_no_trade_and_a_stop_comes_through() -> None:
    bars = walk(date(2024, 9, 30), date(2024, 10, 4), seed=1, step=1_200)
    make = maker("short_straddle")
    request = option_request(bars, StoredTracks())
    shares: list[float] = []

    result = NautilusEngine().run(request, make(), progress=shares.append)

    assert {(trade.end, trade.net) for trade in result.trades} == {(TradeEnd.UNPRICED, 0)}
    assert {point.equity for point in result.equity} == {result.sizing.capital}
    assert all(first < second for first, second in pairwise(shares))

    def stop(share: float) -> None:
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NautilusEngine().run(request, make(), progress=stop)


POOR = BacktestCapitalTooSmallError


def poor(request: OptionRequest) -> OptionRequest:
    """With a rupee."""
    return replace(request, sizing=Sizing(capital=100, lots=1, lot_size=1))


@dataclass
class Always:
    wanted: object

    def decide(self, closed: Sequence[Candle], /) -> Orders:  # noqa: ARG002
        return self.wanted  # type: ignore[return-value]


@dataclass
class At:
    """Wants something when the bar that opens at `opens` has closed."""

    opens: datetime
    wanted: Orders

    def decide(self, closed: Sequence[Candle], /) -> Orders:
        return self.wanted if closed[-1].opens == self.opens else ()
