"""What nautilus_trader is told of an option market: the index, and each contract once it is wanted.

Nothing of a contract is told before it was wanted, so what is not traded costs nothing; and each
price is told when it could be known, never before.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import AggregationSource
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import IndexInstrument, OptionContract
from nautilus_trader.model.objects import Quantity

from munshi.backtest.nautilus_models import INR, price_of
from munshi.backtest.nautilus_option_models import SECOND, Moment, option_contract, stamped
from munshi.backtest.nautilus_venue import specification
from munshi.domain.backtest.options.market import Contract, OptionRequest, PriceTrack
from munshi.domain.backtest.options.settlement import settlement_value
from munshi.domain.backtest.options.timeline import Timeline
from munshi.domain.backtest.results import FillModel
from munshi.domain.market.candles import to_paise
from munshi.domain.market.kept_quotes import QuoteTrack

_AT_ONCE = 256
_MICROSECONDS = 1_000_000
_AHEAD_OF_UTC = 19_800
_DAY = 86_400
_NO_VOLUME = Quantity.from_int(0)  # nothing is filled by volume
_ANY_SIZE = Quantity.from_int(1)  # the book of each order has room for all of it


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A contract as it is called there, its bars, and the quotes that may fill its orders."""

    instrument: InstrumentId
    track: PriceTrack
    quotes: QuoteTrack


# Told the contract, two instants between which, and the last of all, in seconds since 1970.
_Ticks = Callable[[_Quoted, int, int, int], Iterator[QuoteTick]]


class OptionFeed:
    """`progress` is told the share of the index that has been told."""

    def __init__(
        self,
        engine: BacktestEngine,
        request: OptionRequest,
        timeline: Timeline,
        *,
        progress: Callable[[float], None],
    ) -> None:
        self._engine = engine
        self._request = request
        self._timeline = timeline
        self._progress = progress
        self._ticks: _Ticks = {
            FillModel.NEXT_OPEN: self._opens_quoted,
            FillModel.NEXT_CLOSE: self._closes_quoted,
            FillModel.BID_ASK: self._quotes,
        }[request.fill_model]
        self._specification = specification(request.span)
        self._index_opens = [int(bar.opens.timestamp()) for bar in request.bars]
        self._instruments: dict[str, OptionContract] = {}
        self._wanted: Counter[str] = Counter()
        self._told: set[str] = set()
        # At the venue of its options, as nautilus expects of an underlying.
        name = request.order.instrument.rpartition(":")[2]
        self.index = InstrumentId(Symbol(name), Venue(request.market.exchange))

    def bar_type(self, instrument: InstrumentId) -> BarType:
        return BarType(instrument, self._specification, AggregationSource.EXTERNAL)

    def begin(self) -> None:
        """Tell the index, all of it, a few bars at a time."""
        paisa, unit = price_of(1), Quantity.from_int(1)
        index = self.index
        listed = IndexInstrument(index, index.symbol, INR, 2, 0, paisa, unit, 0, 0)
        self._engine.add_instrument(listed)
        self._engine.add_data_iterator("index", self._index_bars(self.bar_type(index)))

    def instrument(self, contract: Contract) -> InstrumentId:
        """What `contract` is called there; it is listed when it is first asked for."""
        found = self._instruments.get(contract.instrument)
        if found is None:
            found = option_contract(contract, underlying=self.index.symbol.value)
            self._instruments[contract.instrument] = found
            self._engine.add_instrument(found)
        return found.id

    def tell(self, contract: Contract, track: PriceTrack, *, since: int) -> None:
        """The prices of `contract` in bars that open at `since` or later, until it is let go."""
        name = contract.instrument
        self._wanted[name] += 1
        is_by_quotes = self._request.fill_model is FillModel.BID_ASK
        quotes = self._request.quotes.track(name) if is_by_quotes else QuoteTrack()
        if name not in self._told:
            self._told.add(name)
            quoted = _Quoted(self.instrument(contract), track, quotes)
            prices = self._prices(contract, quoted, since)
            self._engine.add_data_iterator(name, prices)

    def let_go(self, contract: Contract) -> None:
        """Once for each time that it was asked for."""
        self._wanted[contract.instrument] -= 1

    def _index_bars(self, bar_type: BarType) -> Iterator[list[Bar]]:
        bars, ends = self._request.bars, self._timeline.ends
        for first in range(0, len(bars), _AT_ONCE):
            self._progress(first / len(bars))
            told = []
            for bar, end in zip(
                bars[first : first + _AT_ONCE], ends[first : first + _AT_ONCE], strict=True
            ):
                prices = [price_of(to_paise(each)) for each in (bar.open, bar.high, bar.low)]
                at = stamped(end, Moment.INDEX_CLOSES)
                close = price_of(to_paise(bar.close))
                told.append(Bar(bar_type, *prices, close, _NO_VOLUME, at, at))
            yield told

    def _prices(
        self, contract: Contract, quoted: _Quoted, since: int
    ) -> Iterator[list[QuoteTick | Bar]]:
        """A day at a time; when it is no longer wanted it ends, and may be told again later."""
        bar_type, track = self.bar_type(quoted.instrument), quoted.track
        settles = int(contract.settles_at.timestamp())
        last = min(self._timeline.ends[-1], settles)
        for begin, after in _days(since, last):
            told: list[QuoteTick | Bar] = [
                self._bar(bar_type, track, place)
                for place in range(track.place(begin), track.place(after))
                if track.ends[place] <= last
            ]
            told += self._ticks(quoted, begin, after, last)
            if told:
                yield told
            if not self._wanted[contract.instrument]:
                self._told.remove(contract.instrument)
                return
        settled = self._settlement(contract, quoted.instrument)
        if settled is not None:
            yield [settled]

    def _bar(self, bar_type: BarType, track: PriceTrack, place: int) -> Bar:
        columns = (track.opens, track.highs, track.lows, track.closes)
        at = stamped(track.ends[place], Moment.OPTION_CLOSES)
        return Bar(bar_type, *(price_of(each[place]) for each in columns), _NO_VOLUME, at, at)

    def _opens_quoted(
        self, quoted: _Quoted, begin: int, after: int, last: int
    ) -> Iterator[QuoteTick]:
        """Each opening when its bar opens."""
        track = quoted.track
        for place in range(track.place(begin), track.place(min(after, last))):
            stamp, price = track.stamps[place], track.opens[place]
            at = stamped(stamp, Moment.OPEN_IS_QUOTED)
            yield _tick(quoted.instrument, price, price, stamp * SECOND, at)

    def _closes_quoted(
        self, quoted: _Quoted, begin: int, after: int, last: int
    ) -> Iterator[QuoteTick]:
        """Each close when its bar has closed; its event is when the bar opened."""
        track = quoted.track
        for place in range(track.place(begin), track.place(after)):
            stamp, end, price = track.stamps[place], track.ends[place], track.closes[place]
            if end <= last:
                at = stamped(end, Moment.CLOSE_IS_QUOTED)
                yield _tick(quoted.instrument, price, price, stamp * SECOND, at)

    def _quotes(self, quoted: _Quoted, begin: int, after: int, last: int) -> Iterator[QuoteTick]:
        """Each stored quote when it came."""
        track = quoted.quotes
        first = bisect_left(track.stamps, begin * _MICROSECONDS)
        for place in range(first, bisect_left(track.stamps, min(after, last) * _MICROSECONDS)):
            stamp = track.stamps[place] * (SECOND // _MICROSECONDS)
            at = stamp + Moment.OPEN_IS_QUOTED
            yield _tick(quoted.instrument, track.bids[place], track.offers[place], stamp, at)

    def _settlement(self, contract: Contract, instrument: InstrumentId) -> QuoteTick | None:
        """What it is worth at its end; None where the index does not say, or the run ends first."""
        settles = int(contract.settles_at.timestamp())
        if settles > self._timeline.ends[-1]:
            return None
        last = bisect_left(self._index_opens, settles) - 1
        value = settlement_value(self._request.bars, last, closes=contract.settles_at)
        if value is None:
            return None
        at = stamped(settles, Moment.SETTLES)
        worth = contract.intrinsic(value)
        return _tick(instrument, worth, worth, at, at)


def _tick(instrument: InstrumentId, bid: int, offer: int, event: int, told: int) -> QuoteTick:
    prices = price_of(bid), price_of(offer)
    return QuoteTick(instrument, *prices, _ANY_SIZE, _ANY_SIZE, event, told)


def _days(since: int, last: int) -> Iterator[tuple[int, int]]:
    """From `since` to `last`, each day by itself, IST; in seconds since 1970."""
    while since < last:
        after = ((since + _AHEAD_OF_UTC) // _DAY + 1) * _DAY - _AHEAD_OF_UTC
        yield since, after
        since = after
