"""Both sides of an instrument's book over time, as streams showed them."""

from dataclasses import dataclass
from datetime import datetime

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.settings import BrokerMode


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


def minute_of(instant: datetime) -> datetime:
    """The start of the minute that `instant` lies in."""
    return instant.replace(second=0, microsecond=0)
