"""Rows of Instruments as listings, and listings as rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.listings import Listing, Unmapped
from munshi.domain.market.sessions import Segment
from munshi.settings import BrokerMode

_DOUBTFUL = frozenset({Unmapped.AMBIGUOUS, Unmapped.CONFLICTING})


def to_row(one: Listing, *, mode: BrokerMode, now: datetime) -> dict[str, Any]:
    found, token = one.instrument, one.instrument.breeze_token
    if one.service is Service.KITE:
        token = None if found.kite_token is None else str(found.kite_token)
    return {
        "instrument_id": one.listing_id,
        "lineage_id": one.lineage_id,
        "mode": mode,
        "service_type": one.service,
        "exchange": found.exchange,
        "tradingsymbol": found.tradingsymbol,
        "name": found.name,
        "kind": found.kind,
        "segment": found.segment,
        "underlying": found.underlying,
        "expiry": found.expiry,
        "strike": None if found.strike is None else plain(found.strike),
        "lot_size": found.lot_size,
        "tick_size": found.tick_size,
        "token": token,
        "broker_code": found.breeze_code,
        "loaded_at": now,
        "first_day": one.first_day,
        "last_day": one.last_day,
        "last_seen": one.last_seen,
        "change": one.change,
        "unmapped": one.unmapped,
    }


def to_listing(row: Row[Any]) -> Listing:
    is_kite = row.service_type == Service.KITE
    return Listing(
        listing_id=row.instrument_id,
        lineage_id=row.lineage_id,
        service=Service(row.service_type),
        instrument=Instrument(
            exchange=row.exchange,
            tradingsymbol=row.tradingsymbol,
            name=row.name,
            kind=InstrumentKind(row.kind),
            segment=Segment(row.segment),
            lot_size=row.lot_size,
            tick_size=row.tick_size,
            expiry=row.expiry,
            strike=row.strike,
            underlying=row.underlying,
            kite_token=int(row.token) if is_kite and row.token else None,
            breeze_code=row.broker_code,
            breeze_token=None if is_kite else row.token,
        ),
        first_day=row.first_day,
        last_day=row.last_day,
        last_seen=row.last_seen,
        change=row.change,
        unmapped=None if row.unmapped is None else Unmapped(row.unmapped),
    )


def to_listings(rows: Sequence[Row[Any]]) -> list[Listing]:
    return [to_listing(row) for row in rows]


def joined(listings: Sequence[Listing]) -> Instrument:
    """One instrument in Kite's words where both brokers list it, with either's codes.

    Where it is in doubt that they mean the same, neither lends the other its code.
    """
    first = min(listings, key=lambda one: one.service is not Service.KITE)
    others = [one.instrument for one in listings if one is first or _are_same(first, one)]
    return replace(
        first.instrument,
        kite_token=next((one.kite_token for one in others if one.kite_token), None),
        breeze_code=next((one.breeze_code for one in others if one.breeze_code), None),
        breeze_token=next((one.breeze_token for one in others if one.breeze_token), None),
    )


def plain(strike: Decimal) -> Decimal:
    """Without trailing zeros, so that the same strike is the same text on SQLite."""
    whole = strike.to_integral_value()
    return whole if strike == whole else strike.normalize()


def latest_on(listings: Sequence[Listing], day: date | None) -> list[Listing]:
    """The listing that held on `day`; else the current one, else the last. And its counterpart.

    Empty if `listings` is.
    """

    def rank(one: Listing) -> tuple[bool, bool, date, bool]:
        held = day is not None and one.holds_on(day)
        return held, one.is_current, one.last_day, one.service is Service.KITE

    ranked = sorted(listings, key=rank, reverse=True)
    if not ranked:
        return []
    best = ranked[0]
    other = next(
        (one for one in ranked if one.service is not best.service and _are_same(best, one)), None
    )
    return [best] if other is None else [best, other]


def _are_same(one: Listing, other: Listing) -> bool:
    """Contracts by their terms; shares only if they were called so at the same time."""
    if {one.unmapped, other.unmapped} & _DOUBTFUL:
        return False
    mine, its = one.instrument, other.instrument
    if mine.kind.is_derivative or its.kind.is_derivative:
        return _terms(mine) == _terms(its)
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def _terms(one: Instrument) -> tuple[object, ...]:
    return one.exchange, one.kind, one.underlying, one.expiry, one.strike
