"""Kite's binary ticks (Kite docs, "WebSocket streaming"): big-endian, told apart by length."""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from munshi.domain.market.ticks import DepthRow, Tick, TickMode
from munshi.infrastructure.brokers.frames import HEARTBEAT, TickFrame

# Beyond two decimals only in the currency segments; of these the docs name only the first, the
# official clients all.
_DECIMALS: Mapping[int, int] = MappingProxyType({3: 7, 6: 4, 12: 4})
_INDICES = 9
_LENGTH = struct.Struct(">H")
_LTP = struct.Struct(">2I")
_QUOTE = struct.Struct(">11I")
_FULL = struct.Struct(">16I")
_INDEX_QUOTE = struct.Struct(">7I")
_INDEX_FULL = struct.Struct(">8I")
_DEPTH = struct.Struct(">IIH2x")
_DEPTH_ROWS = 5
FULL_LENGTH = _FULL.size + 2 * _DEPTH_ROWS * _DEPTH.size


def read_frame(frame: bytes) -> TickFrame:
    """Read one binary message, packet by packet; what cannot be read is counted, never raised.

    A message of one byte is the heartbeat. What the message announces and does not hold is
    refused, as is what it holds and does not announce.
    """
    if len(frame) < _LENGTH.size:
        return HEARTBEAT if len(frame) == 1 else TickFrame(refused=1)
    [announced] = _LENGTH.unpack_from(frame)
    ticks: list[Tick] = []
    refused, at = 0, _LENGTH.size
    for number in range(announced):
        packet, after = _packet_at(frame, at)
        if packet is None:
            return TickFrame(ticks=tuple(ticks), refused=refused + announced - number)
        tick, at = read_packet(packet), after
        if tick is None:
            refused += 1
        else:
            ticks.append(tick)
    return TickFrame(ticks=tuple(ticks), refused=refused + (at < len(frame)))


def read_packet(packet: bytes) -> Tick | None:
    """The tick of one packet; None for a length that Kite does not document."""
    match len(packet):
        case _LTP.size:
            token, last = _LTP.unpack(packet)
            return Tick(
                token=token,
                mode=TickMode.LTP,
                is_index=_segment(token) == _INDICES,
                last_price=_price(token, last),
            )
        case _INDEX_QUOTE.size | _INDEX_FULL.size:
            return _index(packet)
        case _QUOTE.size:
            return _tradable(_QUOTE.unpack(packet), mode=TickMode.QUOTE)
        case _ if len(packet) == FULL_LENGTH:
            return _full(packet)
    return None


def _packet_at(frame: bytes, at: int) -> tuple[bytes | None, int]:
    """The packet and where the next one begins; None if the message ends before it does."""
    begins = at + _LENGTH.size
    if begins > len(frame):
        return None, at
    [length] = _LENGTH.unpack_from(frame, at)
    ends = begins + length
    return (frame[begins:ends], ends) if ends <= len(frame) else (None, at)


def _index(packet: bytes) -> Tick:
    """Here the day's prices stand as high, low, open, close.

    The change after them is left alone: its scale and sign are not documented.
    """
    is_full = len(packet) == _INDEX_FULL.size
    values = (_INDEX_FULL if is_full else _INDEX_QUOTE).unpack(packet)
    token, last, high, low, opened, close = values[:6]
    return Tick(
        token=token,
        mode=TickMode.FULL if is_full else TickMode.QUOTE,
        is_index=True,
        last_price=_price(token, last),
        high=_price(token, high),
        low=_price(token, low),
        open=_price(token, opened),
        close=_price(token, close),
        exchange_at=_instant(values[7]) if is_full else None,
    )


def _full(packet: bytes) -> Tick:
    depth = tuple(_DEPTH.iter_unpack(packet[_FULL.size :]))
    return _tradable(_FULL.unpack_from(packet), mode=TickMode.FULL, depth=depth)


def _tradable(
    values: tuple[int, ...], *, mode: TickMode, depth: tuple[tuple[int, int, int], ...] = ()
) -> Tick:
    token, last, quantity, average, volume, buying, selling, opened, high, low, close = values[:11]
    traded, oi, oi_high, oi_low, sent = values[11:] or (None,) * 5
    rows = tuple(DepthRow(_price(token, p), count, orders) for count, p, orders in depth)
    return Tick(
        token=token,
        mode=mode,
        is_index=False,
        last_price=_price(token, last),
        last_quantity=quantity,
        average_price=_price(token, average),
        volume=volume,
        buy_quantity=buying,
        sell_quantity=selling,
        open=_price(token, opened),
        high=_price(token, high),
        low=_price(token, low),
        close=_price(token, close),
        traded_at=_instant(traded),
        exchange_at=_instant(sent),
        oi=oi,
        oi_high=oi_high,
        oi_low=oi_low,
        bids=rows[:_DEPTH_ROWS],
        offers=rows[_DEPTH_ROWS:],
    )


def _segment(token: int) -> int:
    return token & 0xFF


def _price(token: int, units: int) -> Decimal:
    return Decimal(units).scaleb(-_DECIMALS.get(_segment(token), 2))


def _instant(seconds: int | None) -> datetime | None:
    """Seconds since 1970 UTC; zero is said of what has never traded."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
