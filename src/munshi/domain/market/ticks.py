"""What a stream of prices brings: the state of one instrument at one moment, never one trade."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class TickMode(StrEnum):
    """How much of an instrument is streamed. Only `full` says when the exchange sent it."""

    LTP = "ltp"
    QUOTE = "quote"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class DepthRow:
    """One step of the book; an empty step is all zeros."""

    price: Decimal
    quantity: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Prices in rupees, exactly as sent; instants aware UTC. What the mode does not bring is None.

    `volume` is the day's so far, `close` the previous session's. Times are the exchange's own:
    `exchange_at` of the message, `traded_at` of the last trade. An index has no trades.
    """

    token: int
    mode: TickMode
    is_index: bool
    last_price: Decimal
    last_quantity: int | None = None
    average_price: Decimal | None = None
    volume: int | None = None
    buy_quantity: int | None = None
    sell_quantity: int | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    traded_at: datetime | None = None
    exchange_at: datetime | None = None
    oi: int | None = None
    oi_high: int | None = None
    oi_low: int | None = None
    bids: tuple[DepthRow, ...] = ()
    offers: tuple[DepthRow, ...] = ()
