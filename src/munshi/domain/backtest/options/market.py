"""The option market as an engine sees it: contracts by date, and their bars through a port."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol, Self

from munshi.clock import IST
from munshi.domain.backtest.engine import RangeOf, Request
from munshi.domain.backtest.results import FillModel, LegFill
from munshi.domain.market.calendar import MarketCalendar, Segment, SessionKind
from munshi.domain.market.contract_names import contract_name
from munshi.domain.market.expiries import ExpiryKind, expiry_on_or_after, is_monthly_expiry
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.lots import lot_size

_MOST_NAMED = 100
_ONE_DAY = timedelta(days=1)
_AHEAD_OF_UTC = 19_800
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTrack:
    """The bars of one contract in order: prices are paise.

    `stamps` and `ends`, when a bar opens and has closed, are seconds since 1970. A source of
    prices leaves `ends` to the market, which knows when sessions end.
    """

    stamps: Sequence[int] = ()
    opens: Sequence[int] = ()
    highs: Sequence[int] = ()
    lows: Sequence[int] = ()
    closes: Sequence[int] = ()
    ends: Sequence[int] = ()

    def place(self, stamp: int) -> int:
        """Of the first bar that opens at `stamp` or later; the number of bars if none does."""
        return bisect_left(self.stamps, stamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One option; `strike` is in paise. It settles when the underlying closes on its last day."""

    instrument: str
    kind: InstrumentKind
    strike: int
    expiry: date
    lot_size: int
    settles_at: datetime

    def intrinsic(self, settlement: int) -> int:
        """What it is worth at its end, in paise, when the underlying settles at so many."""
        gained = settlement - self.strike
        return max(gained if self.kind is InstrumentKind.CALL else -gained, 0)


class OptionPrices(Protocol):
    """Where the bars of contracts come from."""

    def track(self, instrument: str, expiry: date) -> PriceTrack:
        """All bars of it that there are; an empty track where there are none."""
        ...


class OptionMarket:
    """What of `underlying` is listed when. `exchange` is that of the contracts, NFO or BFO."""

    def __init__(
        self,
        *,
        underlying: str,
        exchange: str,
        calendar: MarketCalendar,
        prices: OptionPrices,
    ) -> None:
        self.underlying = underlying
        self.calendar = calendar
        self.prices = prices
        self.exchange = exchange
        self._expiries: dict[tuple[date, ExpiryKind], date] = {}
        self._contracts: dict[tuple[date, InstrumentKind, int], Contract] = {}
        self._settlements: dict[date, datetime] = {}
        self._fills: dict[datetime, datetime] = {}
        self._closings: dict[tuple[int, Segment], int] = {}
        self._tracks: dict[tuple[str, int], PriceTrack] = {}

    def first_fill(self, at: datetime) -> datetime:
        """`at`, or the next opening of the options' market. Raises CalendarYearUnknownError."""
        if (found := self._fills.get(at)) is None:
            found = self._fills[at] = self._next_open(at)
        return found

    def deadline(self, fill: datetime, wait: timedelta) -> datetime:
        """When the options' market has traded for `wait` after `fill`."""
        while True:
            fill = self.first_fill(fill)
            closes = next(
                one.closes
                for one in self.calendar.sessions(fill.astimezone(IST).date(), Segment.FNO)
                if fill < one.closes
            )
            if fill + wait <= closes:
                return fill + wait
            wait -= closes - fill
            fill = closes.astimezone(UTC)

    def ends(self, stamps: Sequence[int], span: timedelta, segment: Segment) -> list[int]:
        """When bars that open at `stamps` have closed: the last of a day with its sessions."""
        length = int(span.total_seconds())
        return [min(stamp + length, self._closing(stamp, segment)) for stamp in stamps]

    def track(self, contract: Contract, span: timedelta) -> PriceTrack:
        """The bars of `contract`, read once."""
        return self.read(contract.instrument, contract.expiry, span)

    def read(self, instrument: str, expiry: date, span: timedelta) -> PriceTrack:
        """As `track`, of a contract by its name."""
        key = (instrument, int(span.total_seconds()))
        if (found := self._tracks.get(key)) is None:
            found = self.prices.track(instrument, expiry)
            found = replace(found, ends=self.ends(found.stamps, span, Segment.FNO))
            self._tracks[key] = found
        return found

    def known(self, instrument: str, span: timedelta) -> PriceTrack | None:
        """The bars of a contract that has been asked for; None for any other."""
        return self._tracks.get((instrument, int(span.total_seconds())))

    def until(self, at: datetime, span: timedelta) -> Self:
        """The same market without the bars that open `at` or later."""
        return type(self)(
            underlying=self.underlying,
            exchange=self.exchange,
            calendar=self.calendar,
            prices=_PricesUntil(self, span, int(at.timestamp())),
        )

    def coverage(self) -> dict[str, object]:
        """Which contracts were asked for until now, and the bars that there were of them."""
        digest = hashlib.sha256()
        missing = []
        bars = 0
        for (name, _), track in sorted(self._tracks.items()):
            bars += len(track.stamps)
            digest.update(name.encode())
            for column in (track.stamps, track.opens, track.highs, track.lows, track.closes):
                digest.update(array("q", column).tobytes())
            if not track.stamps:
                missing.append(name)
        return {
            "contracts": len(self._tracks),
            "contract_bars": bars,
            "contracts_missing": missing[:_MOST_NAMED],
            "contracts_missing_count": len(missing),
            "contracts_fingerprint": digest.hexdigest(),
        }

    def expiry_after(self, fill: datetime, kind: ExpiryKind) -> date:
        """Of contracts that still live after `fill`.

        Raises MarketFactUnknownError, CalendarYearUnknownError.
        """
        day = fill.astimezone(IST).date()
        expiry = self._expiry_from(day, kind)
        if fill >= self.settles_at(expiry):
            expiry = self._expiry_from(day + _ONE_DAY, kind)
        return expiry

    def settles_at(self, expiry: date) -> datetime:
        """The close of the underlying's last session of the day, in UTC."""
        if (found := self._settlements.get(expiry)) is None:
            sessions = self.calendar.sessions(expiry, Segment.CASH)
            closes = [one.closes for one in sessions if one.kind is not SessionKind.MUHURAT]
            found = self._settlements[expiry] = closes[-1].astimezone(UTC)
        return found

    def contract(self, kind: InstrumentKind, strike: int, expiry: date) -> Contract:
        """`strike` is in whole points. Raises MarketFactUnknownError."""
        key = (expiry, kind, strike)
        if (found := self._contracts.get(key)) is None:
            found = self._contracts[key] = self._list(kind, strike, expiry)
        return found

    def _list(self, kind: InstrumentKind, strike: int, expiry: date) -> Contract:
        name = contract_name(
            self.underlying,
            expiry,
            kind,
            strike=Decimal(strike),
            is_monthly=is_monthly_expiry(self.underlying, expiry, calendar=self.calendar),
        )
        return Contract(
            instrument=f"{self.exchange}:{name}",
            kind=kind,
            strike=strike * 100,
            expiry=expiry,
            lot_size=lot_size(self.underlying, expiry),
            settles_at=self.settles_at(expiry),
        )

    def _expiry_from(self, day: date, kind: ExpiryKind) -> date:
        if (found := self._expiries.get((day, kind))) is None:
            found = self._expiries[day, kind] = expiry_on_or_after(
                self.underlying, day, kind=kind, calendar=self.calendar
            )
        return found

    def _closing(self, stamp: int, segment: Segment) -> int:
        key = ((stamp + _AHEAD_OF_UTC) // _DAY, segment)
        if (found := self._closings.get(key)) is None:
            day = date(1970, 1, 1) + timedelta(days=key[0])
            sessions = self.calendar.sessions(day, segment)
            found = int(sessions[-1].closes.timestamp()) if sessions else (key[0] + 1) * _DAY
            self._closings[key] = found
        return found

    def _next_open(self, at: datetime) -> datetime:
        day = at.astimezone(IST).date()
        while True:
            for session in self.calendar.sessions(day, Segment.FNO):
                if at < session.closes:
                    return max(at, session.opens).astimezone(UTC)
            day += _ONE_DAY


@dataclass(frozen=True, slots=True)
class _PricesUntil:
    """What a market has read, without the bars that open at `stamp` or later."""

    market: OptionMarket
    span: timedelta
    stamp: int

    def track(self, instrument: str, expiry: date) -> PriceTrack:
        whole = self.market.read(instrument, expiry, self.span)
        count = whole.place(self.stamp)
        return PriceTrack(
            stamps=whole.stamps[:count],
            opens=whole.opens[:count],
            highs=whole.highs[:count],
            lows=whole.lows[:count],
            closes=whole.closes[:count],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRequest(Request):
    """`bars` are those of the underlying; those of contracts are asked of `market`.

    The size of a lot is that of the contract, whatever `sizing` says.
    """

    market: OptionMarket

    def coverage(self) -> dict[str, object]:
        return {**self.market.coverage(), **self.quotes.coverage()}

    def until(self, count: int) -> Self:
        bars = self.bars[:count]
        at = bars[-1].opens + self.span
        market = self.market.until(at, self.span)
        return replace(self, bars=bars, market=market, quotes=self.quotes.until(at))

    def ranges(self) -> RangeOf:
        """Of the contract's bar; what was settled had none, which shows by its lack of slippage."""
        if self.fill_model is FillModel.BID_ASK:
            return self.quotes.range_of

        def of(leg: LegFill) -> tuple[int, int] | None:
            track = self.market.known(leg.instrument, self.span)
            if leg.price == leg.quoted or track is None:
                return None
            at = int(leg.at.timestamp())
            stamps = track.stamps if self.fill_model is FillModel.NEXT_OPEN else track.ends
            place = bisect_left(stamps, at)
            if place == len(stamps) or stamps[place] != at:
                return None
            return track.lows[place], track.highs[place]

        return of
