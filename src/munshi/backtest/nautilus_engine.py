"""The second engine: nautilus_trader fills the orders and keeps the account.

What is decided and when, what an order costs and what is refused is ours; orders, fills, position,
account and the order of events are its own. Imported in the child process of a job only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import merge
from importlib.metadata import version
from itertools import islice
from operator import itemgetter

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import AggregationSource, AssetClass, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity, FuturesContract, Instrument
from nautilus_trader.model.objects import Quantity

from munshi.backtest.nautilus_desk import NautilusDesk, Place
from munshi.backtest.nautilus_models import (
    INR,
    DatedCharges,
    SlippageFill,
    nanoseconds,
    price_of,
)
from munshi.backtest.nautilus_options import play_in_nautilus
from munshi.backtest.nautilus_venue import engine_with, specification
from munshi.domain.backtest.engine import Order, Request, Strategy
from munshi.domain.backtest.options.engine import result_of
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.timeline import Timeline
from munshi.domain.backtest.results import BacktestResult
from munshi.domain.backtest.rules import assumptions_of, check_bars
from munshi.domain.market.candles import Candle, to_paise
from munshi.domain.market.charges import ChargeKind

_AT_ONCE = 4096
_NEVER = 2**62  # the last nanosecond that it knows is a little above
_Event = tuple[int, QuoteTick | Bar]


class NautilusEngine:
    """Trades come out as those of the kernel, to the paisa; a test holds it to that."""

    name = "nautilus"
    version = version("nautilus_trader")

    def run(
        self, request: Request, strategy: Strategy, *, progress: Callable[[float], None]
    ) -> BacktestResult:
        """Raises as the kernel does."""
        check_bars(request)
        if isinstance(request, OptionRequest):
            return self._run_options(request, strategy, progress)
        order = request.order
        instrument = _instrument(order)
        bar_type = BarType(instrument.id, specification(request.span), AggregationSource.EXTERNAL)
        place = Place(instrument=instrument, bar_type=bar_type, charges=DatedCharges(order))
        closes = list(request.hours.closes(request.bars, request.span))
        desk = NautilusDesk(request, strategy, place, closes)
        engine = engine_with(
            instrument.id.venue,
            OmsType.NETTING,
            capital=request.sizing.capital,
            fills=SlippageFill(order),
            charges=place.charges,
        )
        engine.add_instrument(instrument)
        try:
            engine.add_strategy(desk)
            _feed(engine, request, place, closes, progress)
            way_out = desk.settle()
        finally:
            engine.dispose()
        return BacktestResult(
            engine=self.name,
            version=self.version,
            fill_model=request.fill_model,
            sizing=request.sizing,
            trades=tuple(desk.trades),
            equity=desk.curve,
            assumptions=assumptions_of(request, way_out, desk.trades),
        )

    def _run_options(
        self, request: OptionRequest, strategy: Strategy, progress: Callable[[float], None]
    ) -> BacktestResult:
        timeline = Timeline.of(request.bars, request.span, request.market)
        played = play_in_nautilus(request, timeline, strategy, progress=progress)
        result = result_of(request, played, equity=played.equity(timeline))
        return replace(result, engine=self.name, version=self.version)


def _feed(
    engine: BacktestEngine,
    request: Request,
    place: Place,
    closes: Sequence[datetime],
    progress: Callable[[float], None],
) -> None:
    """A few thousand events at a time, so that memory stays small and a stop is soon."""
    events = _events(request, place, closes)
    done = 0
    while part := [event for _, event in islice(events, _AT_ONCE)]:
        engine.add_data(part, sort=False)
        engine.run(streaming=True)
        engine.clear_data()
        done += sum(isinstance(event, Bar) for event in part)
        progress(done / len(request.bars))
    engine.end()


def _events(request: Request, place: Place, closes: Sequence[datetime]) -> Iterator[_Event]:
    """A bar that closes when the next one opens is told first: what it decides is traded there."""
    prices, bars = _prices(request, place, closes), _bars(request, place, closes)
    if request.prices().is_before_close:
        return merge(prices, bars, key=itemgetter(0))
    return merge(bars, prices, key=itemgetter(0))


def _prices(request: Request, place: Place, closes: Sequence[datetime]) -> Iterator[_Event]:
    size = Quantity.from_int(request.sizing.quantity)
    for price in request.prices().every(request.bars, closes):
        bid, offer, at = price_of(price.bid), price_of(price.offer), nanoseconds(price.at)
        yield at, QuoteTick(place.instrument.id, bid, offer, size, size, at, at)


def _bars(request: Request, place: Place, closes: Sequence[datetime]) -> Iterator[_Event]:
    volume = Quantity.from_int(0)  # nothing is filled by volume
    for bar, closed in zip(request.bars, closes, strict=True):
        at = nanoseconds(closed)
        yield at, Bar(place.bar_type, *map(price_of, _paise(bar)), volume, at, at)


def _paise(bar: Candle) -> tuple[int, int, int, int]:
    return to_paise(bar.open), to_paise(bar.high), to_paise(bar.low), to_paise(bar.close)


def _instrument(order: Order) -> Instrument:
    exchange, _, name = order.instrument.rpartition(":")
    symbol = Symbol(name)
    instrument_id = InstrumentId(symbol, Venue(exchange or order.exchange))
    paisa, unit = price_of(1), Quantity.from_int(1)
    if order.kind is ChargeKind.FUTURES:
        return FuturesContract(
            instrument_id,
            symbol,
            AssetClass.INDEX,
            INR,
            2,
            paisa,
            unit,
            unit,
            name,
            0,
            _NEVER,
            0,
            0,
        )
    return Equity(instrument_id, symbol, INR, 2, paisa, unit, 0, 0)
