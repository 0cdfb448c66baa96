"""The quotes of one instrument side by side, as a run is filled by them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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


def stamp_of(instant: datetime) -> int:
    """`instant` as `QuoteTrack.stamps` have it."""
    return (instant - _EPOCH) // _MICROSECOND
