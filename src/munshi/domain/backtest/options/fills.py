"""At which prices the legs of a trade can be filled together: one way for each fill model."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from munshi.domain.backtest.options.held import HeldLeg, Waiting
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.results import FillModel
from munshi.domain.market.charges import Side
from munshi.domain.market.kept_quotes import QuoteTrack

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND


class LegPrices(Protocol):
    """A place is that of a bar or a quote among those of the leg's contract."""

    def together(self, legs: Sequence[HeldLeg], *, start: int, deadline: int) -> Waiting:
        """The first prices of one time for all `legs`, from `start` to `deadline`."""
        ...

    def is_known(self, waiting: Waiting, now: int) -> bool:
        """Whether the prices that fill it have been seen by `now`."""
        ...

    def quoted(self, leg: HeldLeg, place: int, side: Side) -> int:
        """In paise."""
        ...

    def at(self, leg: HeldLeg, place: int) -> datetime: ...

    def next_bar(self, leg: HeldLeg, place: int) -> int:
        """The first bar of the contract that closes after the fill."""
        ...


class LegOpens:
    """The openings of the first bars that open together after a decision."""

    def together(self, legs: Sequence[HeldLeg], *, start: int, deadline: int) -> Waiting:
        return _bars_together(legs, start=start, deadline=deadline)

    def is_known(self, waiting: Waiting, now: int) -> bool:
        return waiting.stamp is not None and waiting.stamp < now

    def quoted(self, leg: HeldLeg, place: int, side: Side) -> int:
        del side
        return leg.track.opens[place]

    def at(self, leg: HeldLeg, place: int) -> datetime:
        return datetime.fromtimestamp(leg.track.stamps[place], UTC)

    def next_bar(self, leg: HeldLeg, place: int) -> int:
        del leg
        return place


class LegCloses:
    """The closes of the first bars that open together after a decision."""

    def together(self, legs: Sequence[HeldLeg], *, start: int, deadline: int) -> Waiting:
        return _bars_together(legs, start=start, deadline=deadline)

    def is_known(self, waiting: Waiting, now: int) -> bool:
        if waiting.stamp is None:
            return False
        # Options may trade on after the index has settled them, but not for these trades.
        last = min(now, int(waiting.legs[0].contract.settles_at.timestamp()))
        return all(
            leg.track.ends[place] <= last
            for leg, place in zip(waiting.legs, waiting.places, strict=True)
        )

    def quoted(self, leg: HeldLeg, place: int, side: Side) -> int:
        del side
        return leg.track.closes[place]

    def at(self, leg: HeldLeg, place: int) -> datetime:
        return datetime.fromtimestamp(leg.track.ends[place], UTC)

    def next_bar(self, leg: HeldLeg, place: int) -> int:
        del leg
        return place + 1


class LegQuotes:
    """The quotes of the first minute after a decision in which every leg has one."""

    def __init__(self, tracks: Callable[[str], QuoteTrack]) -> None:
        self._tracks = tracks

    def together(self, legs: Sequence[HeldLeg], *, start: int, deadline: int) -> Waiting:
        """`stamp` is the second of the last of them."""
        tracks = [self._of(leg) for leg in legs]
        places = [bisect_left(track.stamps, start * _SECOND) for track in tracks]
        while all(place < len(track.stamps) for place, track in zip(places, tracks, strict=True)):
            stamps = [track.stamps[place] for place, track in zip(places, tracks, strict=True)]
            latest = max(stamps)
            if latest > deadline * _SECOND:
                break
            minute = latest - latest % _MINUTE
            if min(stamps) >= minute:
                return Waiting(legs=legs, deadline=deadline, stamp=latest // _SECOND, places=places)
            places = [
                bisect_left(track.stamps, minute, place)
                for place, track in zip(places, tracks, strict=True)
            ]
        return Waiting(legs=legs, deadline=deadline, stamp=None, places=())

    def is_known(self, waiting: Waiting, now: int) -> bool:
        return waiting.stamp is not None and waiting.stamp < now

    def quoted(self, leg: HeldLeg, place: int, side: Side) -> int:
        track = self._of(leg)
        return track.offers[place] if side is Side.BUY else track.bids[place]

    def at(self, leg: HeldLeg, place: int) -> datetime:
        return self._of(leg).at(place)

    def next_bar(self, leg: HeldLeg, place: int) -> int:
        return bisect_right(leg.track.ends, self._of(leg).stamps[place] // _SECOND)

    def _of(self, leg: HeldLeg) -> QuoteTrack:
        return self._tracks(leg.contract.instrument)


def leg_prices(request: OptionRequest) -> LegPrices:
    """Those that the fill model of `request` names."""
    if request.fill_model is FillModel.BID_ASK:
        return LegQuotes(request.quotes.track)
    return LegOpens() if request.fill_model is FillModel.NEXT_OPEN else LegCloses()


def _bars_together(legs: Sequence[HeldLeg], *, start: int, deadline: int) -> Waiting:
    tracks = [leg.track for leg in legs]
    places = [track.place(start) for track in tracks]
    while all(place < len(track.stamps) for place, track in zip(places, tracks, strict=True)):
        stamps = [track.stamps[place] for place, track in zip(places, tracks, strict=True)]
        latest = max(stamps)
        if latest > deadline:
            break
        if min(stamps) == latest:
            return Waiting(legs=legs, deadline=deadline, stamp=latest, places=places)
        places = [track.place(latest) for track in tracks]
    return Waiting(legs=legs, deadline=deadline, stamp=None, places=())
