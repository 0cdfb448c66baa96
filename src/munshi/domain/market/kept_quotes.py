"""Both sides of an instrument's book over time, as streams showed them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from munshi.domain.market.candle_files import CandleKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQuote:
    """The first quote of a minute that had both sides.

    `at` is the exchange's time where its message had one, else ours; aware UTC. Prices are
    ten-thousandths of a rupee; a quantity is what stood at that price, in units.
    """

    key: CandleKey
    at: datetime
    bid: int
    bid_quantity: int
    offer: int
    offer_quantity: int


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
        return bisect_left(self.stamps, (at - _EPOCH) // _MICROSECOND)

    def at(self, place: int) -> datetime:
        return _EPOCH + self.stamps[place] * _MICROSECOND
