"""Quotes that streams kept: read over a range for a backtest, shown for a day, and forgotten."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from munshi.clock import IST, Clock, today_ist
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.kept_quotes import (
    HeldQuotes,
    KeptQuote,
    QuoteSpan,
    QuoteTrack,
    stamp_of,
)
from munshi.infrastructure.database.engine import Database
from munshi.market.candles import source_rank
from munshi.settings import BrokerMode

_UNITS_A_PAISA = PRICE_SCALE // 100
_EMPTY = QuoteTrack()
_LABELS = {
    BrokerMode.SIMULATED: "simulated: as the simulator streamed them",
    BrokerMode.LIVE: "as live brokers streamed them",
}
# Several sources of all minutes of a day.
MOST_SHOWN = 5000
# What is forgotten in one transaction, so that none lasts.
_A_PART = timedelta(days=30)


class StoredQuotes:
    """The quotes from `first` to `last`, both included, of one source an instrument.

    Where several sources have quotes and none is named, it is the one whose candles would be
    shown. Simulated and live quotes are never mixed.
    """

    def __init__(
        self,
        database: Database,
        *,
        mode: BrokerMode,
        first: datetime,
        last: datetime,
        source: str | None = None,
    ) -> None:
        self._database = database
        self._mode = mode
        self._first = first
        self._last = last
        self._source = source

    def track(self, instrument: str) -> QuoteTrack:
        """Empty where nothing is stored. Raises InstrumentUnknownError for what names none.

        What is finer than a paisa is rounded against who trades: the bid down, the offer up.
        """
        ref = InstrumentRef.parse(instrument)
        with self._database.reading() as tx:
            held = tx.stream_quotes.list_sources(
                ref, mode=self._mode, first=self._first, last=self._last
            )
            chosen = choose_source(held, source=self._source)
            if chosen is None:
                return _EMPTY
            rows = tx.stream_quotes.list_rows(
                ref, chosen.source, mode=self._mode, first=self._first, last=self._last
            )
        at, bids, bid_quantities, offers, offer_quantities = zip(*rows, strict=True)
        return QuoteTrack(
            stamps=[stamp_of(each) for each in at],
            bids=[price // _UNITS_A_PAISA for price in bids],
            bid_quantities=bid_quantities,
            offers=[-(-price // _UNITS_A_PAISA) for price in offers],
            offer_quantities=offer_quantities,
        )


def choose_source(held: Sequence[HeldQuotes], *, source: str | None) -> HeldQuotes | None:
    """Whose quotes answer: of `source`, or of the one that candles are taken of first."""
    found = [each for each in held if source in (None, each.source)]
    return min(found, key=lambda each: (source_rank(each.source), each.source), default=None)


class KeptQuoteService:
    """What streams kept of the books, of this desk's mode alone."""

    def __init__(self, database: Database, clock: Clock, *, mode: BrokerMode) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode

    @property
    def label(self) -> str:
        """What they are called wherever something is made of them."""
        return _LABELS[self._mode]

    def over(self, *, first: datetime, last: datetime, source: str | None = None) -> StoredQuotes:
        """The quotes of a range, as a backtest asks for them."""
        return StoredQuotes(self._database, mode=self._mode, first=first, last=last, source=source)

    def list(self, instrument: InstrumentRef, *, day: date | None = None) -> list[KeptQuote]:
        """The quotes of a day (IST), of today if none is named, oldest first, of every source."""
        day = day or today_ist(self._clock)
        begins = datetime.combine(day, time(0), tzinfo=IST)
        with self._database.reading() as tx:
            return tx.stream_quotes.list_quotes(
                instrument,
                mode=self._mode,
                first=begins,
                last=begins + timedelta(days=1) - timedelta(microseconds=1),
                limit=MOST_SHOWN,
            )

    def spans(self) -> Sequence[QuoteSpan]:
        """Of which instruments there are quotes, and from when to when."""
        with self._database.reading() as tx:
            return [each for each in tx.stream_quotes.list_spans() if each.mode is self._mode]

    def cleanup(self, days: int) -> int:
        """Forget the quotes of more than so many days ago, of both modes; how many those were."""
        before = self._clock.now() - timedelta(days=days)
        with self._database.reading() as tx:
            spans = tx.stream_quotes.list_spans()
        return sum(self._forget(span, before) for span in spans if span.first < before)

    def _forget(self, span: QuoteSpan, before: datetime) -> int:
        forgotten, until = 0, span.first
        while until < before:
            until = min(until + _A_PART, before)
            with self._database.operational() as tx:
                forgotten += tx.stream_quotes.prune(span.instrument, mode=span.mode, before=until)
        return forgotten
