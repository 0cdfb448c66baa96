"""Breeze's `stock` events: lists by position (the SDK's parse_data), told apart by their length."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from munshi.domain.market.ticks import DepthRow, Tick, TickMode

_CASH, _CONTRACT = 21, 23
_SYMBOL, _OPEN, _LAST, _HIGH, _LOW = 0, 1, 2, 3, 4
_BID, _BID_QUANTITY, _OFFER, _OFFER_QUANTITY, _LAST_QUANTITY, _AVERAGE = 6, 7, 8, 9, 10, 11
# From here on a contract's list is two places longer: open interest and its change come first.
_VOLUME, _BUYING, _SELLING, _TRADED_AT, _CLOSE = 12, 13, 14, 19, 20
_MOST_SECONDS = 2**32
# Beyond any price and any day's volume, and well within the 64 bits in which both are stored.
_MOST = 10**14


def read_stock(payload: object, *, numbers: Mapping[str, int]) -> Tick | None:
    """The tick of one list, with the number of its room; None for what cannot be read.

    The time is that of the last trade: Breeze does not say when it sent a message.
    """
    if not isinstance(payload, Sequence) or isinstance(payload, str):
        return None
    if len(payload) not in {_CASH, _CONTRACT}:
        return None
    room = payload[_SYMBOL]
    if not isinstance(room, str) or room not in numbers:
        return None
    try:
        return _tick(payload, numbers[room], is_index=not room.rpartition("!")[2].isdigit())
    except (InvalidOperation, ValueError, TypeError, OverflowError, OSError):
        return None


def _tick(row: Sequence[object], number: int, *, is_index: bool) -> Tick:
    shift = len(row) - _CASH
    traded_at = _instant(row[_TRADED_AT + shift])
    last = _price(row[_LAST])
    if last is None:
        raise ValueError("no last price")
    return Tick(
        token=number,
        mode=TickMode.FULL,
        is_index=is_index,
        last_price=last,
        last_quantity=_count(row[_LAST_QUANTITY]),
        average_price=_price(row[_AVERAGE]),
        volume=_count(row[_VOLUME + shift]),
        buy_quantity=_count(row[_BUYING + shift]),
        sell_quantity=_count(row[_SELLING + shift]),
        open=_price(row[_OPEN]),
        high=_price(row[_HIGH]),
        low=_price(row[_LOW]),
        close=_price(row[_CLOSE + shift]),
        traded_at=None if is_index else traded_at,
        exchange_at=traded_at,
        oi=_count(row[_VOLUME]) if shift else None,
        bids=_best(row[_BID], row[_BID_QUANTITY]),
        offers=_best(row[_OFFER], row[_OFFER_QUANTITY]),
    )


def _number(value: object) -> Decimal | None:
    """Numbers come as numbers or as text; a float means the decimal that prints like it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise TypeError(value)
    found = Decimal(str(value).strip())
    if not found.is_finite() or not 0 <= found < _MOST:
        raise ValueError(value)
    return found


def _price(value: object) -> Decimal | None:
    return _number(value)


def _count(value: object) -> int | None:
    found = _number(value)
    return None if found is None else int(found)


def _instant(value: object) -> datetime | None:
    """Seconds since 1970 UTC; zero or nothing is said of what has never traded."""
    found = _number(value)
    if not found:
        return None
    if found >= _MOST_SECONDS:
        raise ValueError(value)
    return datetime.fromtimestamp(float(found), UTC)


def _best(price: object, quantity: object) -> tuple[DepthRow, ...]:
    """Only the first step of the book is told, and not how many orders make it."""
    offered, count = _price(price), _count(quantity)
    return (DepthRow(offered, count, 0),) if offered and count else ()
