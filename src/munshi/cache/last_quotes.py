"""The last quotes of all instruments that are streamed or were asked for, for every process."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from munshi.cache.cache import Cache
from munshi.cache.shelf import Shelf
from munshi.domain.enums import Service
from munshi.domain.market.quotes import LastQuote, QuoteWay, StreamState
from munshi.settings import BrokerMode

_DAY = 86_400.0
# A price of Friday is still the last one on Tuesday after a long weekend; its age is told.
QUOTES = Shelf[LastQuote](name="last_quotes", holds=LastQuote, fresh_seconds=5 * _DAY)
STREAMS = Shelf[StreamState](name="stream_states", holds=StreamState, fresh_seconds=_DAY)
# The stream says once a second that it lives; its broker is heard every couple of seconds.
HEARD_LATELY = timedelta(seconds=10)
# The answer to a call is good for so long, so that a page that is reloaded asks no broker.
CALL_IS_GOOD = timedelta(seconds=3)


class LastQuotes:
    """Quotes by broker and instrument, and how the streams stand that bring them."""

    def __init__(self, cache: Cache, *, mode: BrokerMode) -> None:
        self._quotes = cache.open(QUOTES)
        self._streams = cache.open(STREAMS)
        self._mode = mode

    def keep(self, quotes: Iterable[LastQuote]) -> None:
        """Put quotes in place of those that are known."""
        for quote in quotes:
            self._quotes.set(self._key(quote.broker, quote.instrument), quote)

    def tell(self, state: StreamState) -> None:
        """A broker may have several streams: each is known by its name, the last teller by none."""
        self._streams.set(self._key(state.broker, state.name), state)
        self._streams.set(self._key(state.broker, ""), state)

    def get(self, broker: Service, instrument: str) -> LastQuote | None:
        """The last quote, however old."""
        return self._quotes.get(self._key(broker, instrument))

    def stream(self, broker: Service, name: str = "") -> StreamState | None:
        """How a stream of the broker stands, or stood when it ended: the last that said so."""
        return self._streams.get(self._key(broker, name))

    def is_current(self, quote: LastQuote, *, now: datetime) -> bool:
        """Whether no newer price is to be had: of a stream that goes on, or asked for just now."""
        if quote.way is QuoteWay.CALL:
            return now - quote.seen_at <= CALL_IS_GOOD
        stream = self.stream(quote.broker, quote.stream)
        return stream is not None and stream.line == quote.line and is_heard(stream, now=now)

    def _key(self, broker: Service, instrument: str) -> str:
        return f"{self._mode} {broker} {instrument}"


def is_heard(stream: StreamState, *, now: datetime) -> bool:
    """Whether the stream goes on, with nothing missing at this moment."""
    return (
        not stream.is_over
        and stream.line > 0
        and stream.heard_at is not None
        and abs(now - stream.heard_at) <= HEARD_LATELY
    )
