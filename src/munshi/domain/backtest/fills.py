"""At which prices the orders of one instrument can be filled: one way for each fill model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from munshi.domain.market.candles import PRICE_SCALE, Candle, to_paise
from munshi.domain.market.charges import Side
from munshi.domain.market.kept_quotes import QuoteTrack

_UNITS_A_PAISA = PRICE_SCALE // 100
_Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradable:
    """Who buys pays `offer`, who sells gets `bid`, in paise; without a book they are the same.

    `starts` is when its bar opened, or the quote came: so long an order had waited for it.
    """

    starts: datetime
    at: datetime
    bid: int
    offer: int

    def quoted(self, side: Side) -> int:
        return self.offer if side is Side.BUY else self.bid


class FillPrices(Protocol):
    """Of the bars of a run, each of which closes at its place in `closes`."""

    @property
    def is_before_close(self) -> bool:
        """Whether what comes when a bar closes comes before the decision made then."""
        ...

    def first(self, since: datetime, bar: Candle, closes: datetime) -> Tradable | None:
        """The first of `since` or later that is known when `bar` has closed, if it is of now."""
        ...

    def looked_until(self, bar: Candle, closes: datetime) -> datetime:
        """Until when there was no price where `first` tells none."""
        ...

    def every(self, bars: Sequence[Candle], closes: Sequence[datetime]) -> Iterator[Tradable]:
        """All that come before the last bar has closed, in order."""
        ...

    def ranges(
        self, bars: Sequence[Candle], closes: Sequence[datetime]
    ) -> Mapping[datetime, _Range]:
        """Low and high in paise of what was filled at each instant."""
        ...


class OpenPrices:
    """The opening of the first bar that opens after a decision."""

    is_before_close = False

    def first(self, since: datetime, bar: Candle, closes: datetime) -> Tradable | None:
        del closes
        return None if bar.opens < since else self._of(bar)

    def looked_until(self, bar: Candle, closes: datetime) -> datetime:
        del closes
        return bar.opens

    def every(self, bars: Sequence[Candle], closes: Sequence[datetime]) -> Iterator[Tradable]:
        del closes
        return map(self._of, bars)

    def ranges(
        self, bars: Sequence[Candle], closes: Sequence[datetime]
    ) -> Mapping[datetime, _Range]:
        del closes
        return {bar.opens: _range(bar) for bar in bars}

    @staticmethod
    def _of(bar: Candle) -> Tradable:
        paise = to_paise(bar.open)
        return Tradable(starts=bar.opens, at=bar.opens, bid=paise, offer=paise)


class ClosePrices:
    """The close of the first bar that opens after a decision."""

    is_before_close = True

    def first(self, since: datetime, bar: Candle, closes: datetime) -> Tradable | None:
        return None if bar.opens < since else self._of(bar, closes)

    def looked_until(self, bar: Candle, closes: datetime) -> datetime:
        del closes
        return bar.opens

    def every(self, bars: Sequence[Candle], closes: Sequence[datetime]) -> Iterator[Tradable]:
        return map(self._of, bars, closes)

    def ranges(
        self, bars: Sequence[Candle], closes: Sequence[datetime]
    ) -> Mapping[datetime, _Range]:
        return {at: _range(bar) for bar, at in zip(bars, closes, strict=True)}

    @staticmethod
    def _of(bar: Candle, closes: datetime) -> Tradable:
        paise = to_paise(bar.close)
        return Tradable(starts=bar.opens, at=closes, bid=paise, offer=paise)


class QuotePrices:
    """The first quote of a decision's instant or later; one that a bar closes with is too late."""

    is_before_close = False

    def __init__(self, track: QuoteTrack) -> None:
        self._track = track

    def first(self, since: datetime, bar: Candle, closes: datetime) -> Tradable | None:
        del bar
        place = self._track.place(since)
        if place >= self._track.place(closes):
            return None
        return self._of(place)

    def looked_until(self, bar: Candle, closes: datetime) -> datetime:
        del bar
        return closes

    def every(self, bars: Sequence[Candle], closes: Sequence[datetime]) -> Iterator[Tradable]:
        first, after = self._track.place(bars[0].opens), self._track.place(closes[-1])
        return map(self._of, range(first, after))

    def ranges(
        self, bars: Sequence[Candle], closes: Sequence[datetime]
    ) -> Mapping[datetime, _Range]:
        return {each.at: (each.bid, each.offer) for each in self.every(bars, closes)}

    def _of(self, place: int) -> Tradable:
        at = self._track.at(place)
        return Tradable(
            starts=at, at=at, bid=self._track.bids[place], offer=self._track.offers[place]
        )


def _range(bar: Candle) -> _Range:
    return bar.low // _UNITS_A_PAISA, bar.high // _UNITS_A_PAISA
