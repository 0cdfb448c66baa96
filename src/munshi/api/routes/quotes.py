"""Last quotes, the streams that bring them, and what streams kept: quotes and minutes."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from munshi.api.answers import MODE_LABELS, ModeShown, Shown, price_text
from munshi.api.instants import Day
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.domain.market.provisional_bars import KeptBar
from munshi.domain.market.quotes import QuoteWay, StreamState
from munshi.market.quotes import QuoteSeen

_Broker = Annotated[Service | None, Query(description="Of this broker alone.")]
_Instruments = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=200)]],
    Query(
        alias="instrument",
        min_length=1,
        max_length=500,
        description="NIFTY or NSE:RELIANCE; once for each.",
    ),
]


class QuoteShown(Shown):
    """Prices are rupees, exact, as text; `close` is the previous session's.

    `way` is `stream` or `call`. `age_seconds` is since the price came. `is_current` is false where
    a newer price may exist, and then `problem` says why it was not to be had. `is_provisional`:
    seen on a stream, which may have missed what the candles will say.
    """

    instrument: str
    broker: Service
    way: QuoteWay
    is_provisional: bool
    is_current: bool
    age_seconds: float
    last_price: str
    open: str | None
    high: str | None
    low: str | None
    close: str | None
    volume: int | None
    oi: int | None
    best_bid: str | None
    best_offer: str | None
    traded_at: datetime | None
    seen_at: datetime
    problem: str | None


class QuotesAnswer(ModeShown):
    quotes: list[QuoteShown]


class StreamShown(Shown):
    """`gap_reasons` say why nothing comes at this moment; empty while prices come."""

    broker: Service
    is_on: bool
    began_at: datetime
    heard_at: datetime | None
    instruments: int
    connections: int
    ticks: int
    bars: int
    quotes: int
    unreadable: int
    gaps: int
    gap_began: datetime | None
    gap_reasons: list[str]


class StreamsAnswer(ModeShown):
    streams: list[StreamShown]


class ProvisionalBarShown(Shown):
    """`is_whole` is false where a part of the minute lay in a gap of the stream."""

    opens: datetime
    open: str
    high: str
    low: str
    close: str
    volume: int
    oi: int | None
    source: str
    is_provisional: Literal[True] = True
    is_whole: bool


class ProvisionalAnswer(ModeShown):
    instrument: str
    interval: Literal["1minute"] = "1minute"
    bars: list[ProvisionalBarShown]


class KeptQuoteShown(Shown):
    """The first quote of its minute that had both sides.

    Prices are rupees; `at` is when it could be acted on, by the exchange's clock.
    """

    at: datetime
    bid: str
    bid_quantity: int
    offer: str
    offer_quantity: int
    source: str


class KeptQuotesAnswer(ModeShown):
    instrument: str
    quotes: list[KeptQuoteShown]


class QuoteSpanShown(Shown):
    """`first` and `last` are the first and the last minute with a quote, of any source."""

    instrument: str
    first: datetime
    last: datetime


class QuoteSpansAnswer(ModeShown):
    instruments: list[QuoteSpanShown]


class QuoteRoutes:
    """Reading only; streams write."""

    def __init__(self, services: Services) -> None:
        self._services = services
        mode = services.settings.brokers
        self._shown_mode: dict[str, Any] = {"mode": mode, "label": MODE_LABELS[mode]}

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["market data"]}
        router.add_api_route("/quotes", self.quotes, **options)
        router.add_api_route("/streams", self.streams, **options)
        router.add_api_route("/data/provisional", self.provisional, **options)
        router.add_api_route("/data/quotes", self.kept_quotes, **options)
        router.add_api_route("/data/quotes/instruments", self.quote_spans, **options)

    @allows(Role.VIEWER)
    def quotes(self, instruments: _Instruments, broker: _Broker = None) -> QuotesAnswer:
        """The last quotes: of a stream that is on, else asked for at a broker, within its limits.

        Where a broker cannot be asked, the last quote that is known, with its age.
        """
        seen = self._services.quotes.quotes(instruments, broker=broker)
        return QuotesAnswer(quotes=[_quote(each) for each in seen], **self._shown_mode)

    @allows(Role.VIEWER)
    def streams(self) -> StreamsAnswer:
        """The last stream of each broker: whether it goes on, and what it has brought."""
        found = self._services.quotes.streams()
        return StreamsAnswer(
            streams=[_stream(state, is_on=is_on) for state, is_on in found], **self._shown_mode
        )

    @allows(Role.VIEWER)
    def provisional(
        self,
        instrument: Annotated[str, Query(min_length=1, max_length=200)],
        day: Annotated[Day | None, Query(description="IST; today where none is named.")] = None,
    ) -> ProvisionalAnswer:
        """Minutes of a day as a stream showed them, which history has not confirmed.

        These are no candles: `/data/candles` never has them.
        """
        ref = InstrumentRef.parse(instrument)
        bars = self._services.provisional.list(ref, day=day)
        return ProvisionalAnswer(
            instrument=str(ref), bars=[_bar(bar) for bar in bars], **self._shown_mode
        )

    @allows(Role.VIEWER)
    def kept_quotes(
        self,
        instrument: Annotated[str, Query(min_length=1, max_length=200)],
        day: Annotated[Day | None, Query(description="IST; today where none is named.")] = None,
    ) -> KeptQuotesAnswer:
        """The quotes of a day that streams kept, one a minute and source, oldest first."""
        ref = InstrumentRef.parse(instrument)
        quotes = self._services.kept_quotes.list(ref, day=day)
        return KeptQuotesAnswer(
            instrument=str(ref), quotes=[_kept(each) for each in quotes], **self._shown_mode
        )

    @allows(Role.VIEWER)
    def quote_spans(self) -> QuoteSpansAnswer:
        """Of which instruments streams kept quotes, and from when to when."""
        return QuoteSpansAnswer(
            instruments=[
                QuoteSpanShown(instrument=str(each.instrument), first=each.first, last=each.last)
                for each in self._services.kept_quotes.spans()
            ],
            **self._shown_mode,
        )


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def _quote(seen: QuoteSeen) -> QuoteShown:
    quote = seen.quote
    return QuoteShown(
        instrument=quote.instrument,
        broker=quote.broker,
        way=quote.way,
        is_provisional=quote.is_provisional,
        is_current=seen.is_current,
        age_seconds=round(seen.age.total_seconds(), 3),
        last_price=f"{quote.last_price:f}",
        open=_text(quote.open),
        high=_text(quote.high),
        low=_text(quote.low),
        close=_text(quote.close),
        volume=quote.volume,
        oi=quote.oi,
        best_bid=_text(quote.best_bid),
        best_offer=_text(quote.best_offer),
        traded_at=quote.traded_at,
        seen_at=quote.seen_at,
        problem=seen.problem,
    )


def _stream(state: StreamState, *, is_on: bool) -> StreamShown:
    return StreamShown(
        broker=state.broker,
        is_on=is_on,
        began_at=state.began_at,
        heard_at=state.heard_at,
        instruments=state.instruments,
        connections=state.lines,
        ticks=state.ticks,
        bars=state.bars,
        quotes=state.quotes,
        unreadable=state.unreadable,
        gaps=state.gaps,
        gap_began=state.gap_began,
        gap_reasons=list(state.gap_reasons),
    )


def _bar(bar: KeptBar) -> ProvisionalBarShown:
    candle = bar.candle
    return ProvisionalBarShown(
        opens=candle.opens,
        open=price_text(candle.open),
        high=price_text(candle.high),
        low=price_text(candle.low),
        close=price_text(candle.close),
        volume=candle.volume,
        oi=candle.oi,
        source=bar.key.source,
        is_whole=bar.is_whole,
    )


def _kept(quote: KeptQuote) -> KeptQuoteShown:
    return KeptQuoteShown(
        at=quote.at,
        bid=price_text(quote.bid),
        bid_quantity=quote.bid_quantity,
        offer=price_text(quote.offer),
        offer_quantity=quote.offer_quantity,
        source=quote.key.source,
    )
