"""Stored quotes as a run may trade at them, those of each instrument read once."""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from munshi.domain.backtest.hours import ALWAYS, TradingHours
from munshi.domain.backtest.results import LegFill, Trade
from munshi.domain.market.charges import Side
from munshi.domain.market.kept_quotes import QuoteTrack

_MOST_NAMED = 100


class Quotes(Protocol):
    """Where the quotes of a run come from."""

    def track(self, instrument: str) -> QuoteTrack:
        """Those of the run's range in order, at most one a minute; an empty track if none."""
        ...


class NoQuotes:
    """A source of none."""

    def track(self, instrument: str) -> QuoteTrack:  # noqa: ARG002
        return QuoteTrack()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedOrders:
    """Orders that quotes filled; `larger` of them were for more than what stood there."""

    count: int
    larger: int


class QuoteBook:
    """What of `quotes` can be traded at: within `hours`, with a bid that is not above the offer."""

    def __init__(self, quotes: Quotes | None = None, hours: TradingHours = ALWAYS) -> None:
        self._quotes = quotes or NoQuotes()
        self._hours = hours
        self._tracks: dict[str, QuoteTrack] = {}
        self._left_out = 0

    def track(self, instrument: str) -> QuoteTrack:
        """Those of `instrument`, read when it is first asked for."""
        if (found := self._tracks.get(instrument)) is None:
            whole = self._quotes.track(instrument)
            found = self._tracks[instrument] = self._tradable(whole)
            self._left_out += len(whole.stamps) - len(found.stamps)
        return found

    def until(self, at: datetime) -> Self:
        """The same without the quotes of `at` or later."""
        return type(self)(_QuotesUntil(self, at))

    def range_of(self, leg: LegFill) -> tuple[int, int] | None:
        """Bid and offer in paise of the quote that filled `leg`; None where none did."""
        place = self._place(leg)
        if place is None:
            return None
        track = self.track(leg.instrument)
        return track.bids[place], track.offers[place]

    def coverage(self) -> dict[str, object]:
        """Whose quotes were asked for until now, and how many there were; empty if nobody's."""
        if not self._tracks:
            return {}
        digest = hashlib.sha256()
        for name, track in sorted(self._tracks.items()):
            digest.update(f"{name},{len(track.stamps)}\n".encode())
            for column in _columns(track):
                digest.update(array("q", column).tobytes())
        missing = sorted(name for name, track in self._tracks.items() if not track.stamps)
        return {
            "quoted": len(self._tracks),
            "quotes": sum(len(track.stamps) for track in self._tracks.values()),
            "quotes_left_out": self._left_out,
            "quotes_missing": missing[:_MOST_NAMED],
            "quotes_missing_count": len(missing),
            "quotes_fingerprint": digest.hexdigest(),
        }

    def orders(self, trades: Iterable[Trade]) -> QuotedOrders:
        """How many orders of `trades` quotes filled, and for how many of them they were too small.

        Orders at the same side of one quote share what stood there.
        """
        taken: dict[tuple[str, datetime, Side], int] = {}
        count = larger = 0
        for leg in (leg for trade in trades for leg in trade.legs):
            place = self._place(leg)
            if place is None:
                continue
            track = self._tracks[leg.instrument]
            stood = (track.offer_quantities if leg.side is Side.BUY else track.bid_quantities)[
                place
            ]
            key = (leg.instrument, leg.at, leg.side)
            taken[key] = taken.get(key, 0) + leg.quantity
            count += 1
            larger += taken[key] > stood
        return QuotedOrders(count=count, larger=larger)

    def _place(self, leg: LegFill) -> int | None:
        """Of its quote. A settlement has none, which shows by its lack of slippage."""
        track = self._tracks.get(leg.instrument)
        if track is None or leg.price == leg.quoted:
            return None
        place = track.place(leg.at)
        is_there = place < len(track.stamps) and track.at(place) == leg.at
        return place if is_there else None

    def _tradable(self, track: QuoteTrack) -> QuoteTrack:
        chosen = [
            place
            for place, (bid, offer) in enumerate(zip(track.bids, track.offers, strict=True))
            if 0 < bid <= offer and self._hours.is_open(track.at(place))
        ]
        if len(chosen) == len(track.stamps):
            return track
        return _chosen(track, chosen)


@dataclass(frozen=True, slots=True)
class _QuotesUntil:
    """What a book has read, without the quotes of `at` or later."""

    book: QuoteBook
    at: datetime

    def track(self, instrument: str) -> QuoteTrack:
        whole = self.book.track(instrument)
        return _chosen(whole, range(whole.place(self.at)))


def _columns(track: QuoteTrack) -> tuple[Sequence[int], ...]:
    return (
        track.stamps,
        track.bids,
        track.bid_quantities,
        track.offers,
        track.offer_quantities,
    )


def _chosen(track: QuoteTrack, places: Iterable[int]) -> QuoteTrack:
    chosen = tuple(places)
    stamps, bids, bid_quantities, offers, offer_quantities = (
        [column[place] for place in chosen] for column in _columns(track)
    )
    return QuoteTrack(
        stamps=stamps,
        bids=bids,
        bid_quantities=bid_quantities,
        offers=offers,
        offer_quantities=offer_quantities,
    )
