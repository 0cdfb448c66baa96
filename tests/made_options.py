"""Bars of an index and of its options, generated for tests; no price in them was ever quoted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from munshi.domain.backtest.catalogue import make_strategy
from munshi.domain.backtest.engine import Order, Strategy
from munshi.domain.backtest.facts import RunFacts, prepared
from munshi.domain.backtest.options.engine import OptionsEngine
from munshi.domain.backtest.options.market import OptionMarket, OptionRequest, PriceTrack
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.intervals import Interval

FIVE = timedelta(minutes=5)
CALENDAR = MarketCalendar.packaged()
PAISE = 100


@dataclass
class StoredTracks:
    """Contracts by name; what was never stored has no bars."""

    tracks: Mapping[str, PriceTrack] = field(default_factory=dict)

    def track(self, instrument: str, expiry: date) -> PriceTrack:  # noqa: ARG002
        return self.tracks.get(instrument, PriceTrack())


def opens_of(
    start: date,
    end: date,
    *,
    segment: Segment = Segment.CASH,
    interval: Interval = Interval.FIVE_MINUTES,
) -> list[datetime]:
    """When the bars of every trading day open, those of five minutes unless told otherwise."""
    return [
        at
        for day in CALENDAR.trading_days(start, end)
        for at in CALENDAR.bar_opens(day, interval, segment)
    ]


def flat_bars(opens: Sequence[datetime], price: Callable[[int], int]) -> list[Candle]:
    """The bar of a number opens at that number's price and closes at the next one's, in paise."""
    scale = PRICE_SCALE // PAISE
    made = []
    for number, at in enumerate(opens):
        first, last = price(number) * scale, price(number + 1) * scale
        made.append(
            Candle(
                opens=at,
                open=first,
                high=max(first, last),
                low=min(first, last),
                close=last,
                volume=0,
            )
        )
    return made


def track_of(prices: Mapping[datetime, tuple[int, int]]) -> PriceTrack:
    """Open and close in paise by the bar's opening."""
    stamps = sorted(prices)
    return PriceTrack(
        stamps=[int(at.timestamp()) for at in stamps],
        opens=[prices[at][0] for at in stamps],
        highs=[max(prices[at]) for at in stamps],
        lows=[min(prices[at]) for at in stamps],
        closes=[prices[at][1] for at in stamps],
    )


@dataclass
class WalkedTracks:
    """Every contract trades in every bar at what it is worth, and some time value."""

    bars: Sequence[Candle]
    time_value: int = 4_000

    def track(self, instrument: str, expiry: date) -> PriceTrack:
        call = instrument.endswith(InstrumentKind.CALL)
        strike = int(instrument[-7:-2]) * PAISE
        prices = {}
        for bar in self.bars:
            left = (expiry - bar.opens.date()).days
            if not 0 <= left <= 40:
                continue
            rest = self.time_value * (left + 1) // 8
            both = []
            for price in (bar.open, bar.close):
                gained = price * PAISE // PRICE_SCALE - strike
                away = abs(gained) // 5
                both.append(max(gained if call else -gained, 0) + max(rest - away, 5))
            prices[bar.opens] = (both[0], both[1])
        return track_of(prices)


def option_request(bars: Sequence[Candle], prices: object, **other: object) -> OptionRequest:
    """NIFTY, one lot, no brokerage and a crore of rupees unless told otherwise."""
    given = {
        "bars": bars,
        "span": FIVE,
        "order": Order(
            instrument="NSE:NIFTY 50", exchange="NSE", kind=ChargeKind.OPTIONS, brokerage=2_000
        ),
        "sizing": Sizing(capital=1_000_000_000, lots=1, lot_size=1),
        "fill_model": FillModel.NEXT_OPEN,
        "margin_percent": 15,
        "market": OptionMarket(
            underlying="NIFTY",
            exchange="NFO",
            calendar=CALENDAR,
            prices=prices,  # type: ignore[arg-type]
        ),
        **other,
    }
    return OptionRequest(**given)  # type: ignore[arg-type]


def maker(name: str, *, span: timedelta = FIVE, **parameters: object) -> Callable[[], Strategy]:
    """As a run makes its strategy: told of its bars."""
    facts = RunFacts(span=span, calendar=CALENDAR, strike_step=50)
    return prepared(lambda: make_strategy(name, parameters), facts)


def run_options(request: OptionRequest, strategy: Strategy) -> BacktestResult:
    return OptionsEngine().run(request, strategy, progress=lambda _: None)
