"""Which instrument of Kite is which of ICICI's: by terms, and where that leaves no doubt."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.listings import Listing, Unmapped

Key = tuple[object, ...]
# Kite's token is the exchange's, with the segment in its low byte.
_SEGMENT_BITS = 8


def pair(kite: Iterable[Listing], breeze: Iterable[Listing]) -> dict[UUID, Unmapped | None]:
    """For every current listing of both brokers why it has no counterpart, or None if it has one.

    Contracts meet by exchange, underlying, expiry, strike and kind; shares by exchange and symbol,
    unless the exchange's token says something else; indices by what is packaged. Where several
    could be meant, none is chosen.
    """
    sides = [list(kite), list(breeze)]
    if not all(sides):
        return {one.listing_id: _alone(one) for side in sides for one in side}
    kites, breezes = (_by_key(side) for side in sides)
    tokens = _tokens(sides[0]), _tokens(sides[1])
    found: dict[UUID, Unmapped | None] = {}
    for mine, others in ((kites, breezes), (breezes, kites)):
        for key, same in mine.items():
            for one in same:
                found[one.listing_id] = _judge(one, same, others.get(key, []), tokens)
    return found


def _judge(
    one: Listing,
    same: list[Listing],
    others: list[Listing],
    tokens: tuple[Mapping[Key, Key], Mapping[Key, Key]],
) -> Unmapped | None:
    if one.instrument.kind is InstrumentKind.INDEX:
        return None if one.instrument.breeze_code else Unmapped.CODE_UNKNOWN
    if not others:
        return Unmapped.NOT_LISTED
    codes = {each.instrument.breeze_code for each in (*same, *others) if _is_breezes(each)}
    if len(same) > 1 or len(others) > 1 or None in codes:
        return Unmapped.AMBIGUOUS
    if not one.instrument.kind.is_derivative and _is_contradicted(one, others[0], tokens):
        return Unmapped.CONFLICTING
    return None


def _is_contradicted(
    one: Listing, other: Listing, tokens: tuple[Mapping[Key, Key], Mapping[Key, Key]]
) -> bool:
    """Their tokens differ, and one of them is another instrument's at the other broker."""
    if _exchange_token(one.instrument) == _exchange_token(other.instrument):
        return False
    key = _key(one.instrument)
    for each in (one, other):
        token = _exchange_token(each.instrument)
        if token is not None and any(side.get(token, key) != key for side in tokens):
            return True
    return False


def _alone(one: Listing) -> Unmapped | None:
    is_index = one.instrument.kind is InstrumentKind.INDEX
    return None if is_index and one.instrument.breeze_code else Unmapped.LIST_MISSING


def _is_breezes(one: Listing) -> bool:
    return one.instrument.kite_token is None


def _by_key(listings: Iterable[Listing]) -> dict[Key, list[Listing]]:
    found: dict[Key, list[Listing]] = defaultdict(list)
    for one in listings:
        found[_key(one.instrument)].append(one)
    return found


def _key(one: Instrument) -> Key:
    if one.kind.is_derivative:
        return one.exchange, one.underlying, one.expiry, one.strike, one.kind
    return one.exchange, one.tradingsymbol, one.kind


def _tokens(listings: Iterable[Listing]) -> dict[Key, Key]:
    """Which share has the exchange's token."""
    found: dict[Key, Key] = {}
    for one in listings:
        token = _exchange_token(one.instrument)
        if token is not None and one.instrument.kind is InstrumentKind.EQUITY:
            found[token] = _key(one.instrument)
    return found


def _exchange_token(one: Instrument) -> Key | None:
    if one.kite_token is not None:
        return one.exchange, str(one.kite_token >> _SEGMENT_BITS)
    return None if one.breeze_token is None else (one.exchange, one.breeze_token)
