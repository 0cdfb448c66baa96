"""Both sides of an instrument's book over time, as streams showed them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.settings import BrokerMode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQuote:
    """The first quote of a minute that had both sides.

    `at` is aware UTC by the exchange's clock, as `first_quotes` tells: never before the quote
    could be acted on, and of the minute in which the exchange sent it. Prices are
    ten-thousandths of a rupee; a quantity is what stood at that price, in units.
    """

    key: CandleKey
    at: datetime
    bid: int
    bid_quantity: int
    offer: int
    offer_quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldQuotes:
    """What one source has of an instrument: how many quotes, and when the first and last were."""

    instrument: str
    source: str
    quotes: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteSpan:
    """The first and the last minute of which there is a quote of an instrument, of any source."""

    mode: BrokerMode
    instrument: InstrumentRef
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTrack:
    """The quotes of one instrument in order. `stamps` are microseconds since 1970, prices paise."""

    stamps: Sequence[int] = ()
    bids: Sequence[int] = ()
    bid_quantities: Sequence[int] = ()
    offers: Sequence[int] = ()
    offer_quantities: Sequence[int] = ()

    def place(self, at: datetime) -> int:
        """Of the first quote of `at` or later; the number of quotes if there is none."""
        return bisect_left(self.stamps, stamp_of(at))

    def at(self, place: int) -> datetime:
        return _EPOCH + self.stamps[place] * _MICROSECOND


def minute_of(instant: datetime) -> datetime:
    """The start of the minute that `instant` lies in."""
    return instant.replace(second=0, microsecond=0)


def stamp_of(instant: datetime) -> int:
    """`instant` as `QuoteTrack.stamps` have it."""
    return (instant - _EPOCH) // _MICROSECOND
