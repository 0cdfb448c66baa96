"""Kite's binary tick packets, written from the documentation's tables of bytes."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEVELS = 5
HEARTBEAT = b"\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradableState:
    """What a share or contract shows; prices in the units of its segment, times in seconds."""

    token: int
    last_price: int
    last_quantity: int
    average_price: int
    volume: int
    buy_quantity: int
    sell_quantity: int
    open: int
    high: int
    low: int
    close: int
    traded_at: int
    oi: int
    oi_high: int
    oi_low: int
    sent_at: int
    # (quantity, price, orders), five bids and then five offers
    depth: Sequence[tuple[int, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """What an index shows; prices in paise, the change from `close` may be negative."""

    token: int
    last_price: int
    high: int
    low: int
    open: int
    close: int
    change: int
    sent_at: int


def ltp_packet(token: int, last_price: int) -> bytes:
    return struct.pack(">II", token, last_price)


def quote_packet(state: TradableState) -> bytes:
    return struct.pack(
        ">11I",
        state.token,
        state.last_price,
        state.last_quantity,
        state.average_price,
        state.volume,
        state.buy_quantity,
        state.sell_quantity,
        state.open,
        state.high,
        state.low,
        state.close,
    )


def full_packet(state: TradableState) -> bytes:
    times = struct.pack(
        ">5I", state.traded_at, state.oi, state.oi_high, state.oi_low, state.sent_at
    )
    if len(state.depth) != 2 * LEVELS:
        raise ValueError("a book has five bids and five offers")
    book = b"".join(struct.pack(">IIHxx", *level) for level in state.depth)
    return quote_packet(state) + times + book


def index_quote_packet(state: IndexState) -> bytes:
    """High, low, open, close: not the order of the others."""
    return struct.pack(
        ">6Ii",
        state.token,
        state.last_price,
        state.high,
        state.low,
        state.open,
        state.close,
        state.change,
    )


def index_full_packet(state: IndexState) -> bytes:
    return index_quote_packet(state) + struct.pack(">I", state.sent_at)


def pack_frame(packets: Iterable[bytes]) -> bytes:
    """One binary message: how many packets, then each behind its length."""
    whole = list(packets)
    parts = [struct.pack(">H", len(whole))]
    for packet in whole:
        parts += [struct.pack(">H", len(packet)), packet]
    return b"".join(parts)
