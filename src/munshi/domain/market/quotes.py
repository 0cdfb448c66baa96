"""The last price that is known of an instrument, how it came, and how streams stand."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from munshi.domain.enums import Service


class QuoteWay(StrEnum):
    """How a price came: on a stream, or as the answer to a call."""

    STREAM = "stream"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastQuote:
    """Prices in rupees as the broker said them; `close` is the previous session's.

    `stream` and `line` name the stream and the connection it came on. `seen_at` is by this desk's
    clock, `traded_at` by the exchange's; both aware UTC.
    """

    instrument: str
    broker: Service
    way: QuoteWay
    last_price: Decimal
    seen_at: datetime
    stream: str = ""
    line: int = 0
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: int | None = None
    oi: int | None = None
    best_bid: Decimal | None = None
    best_offer: Decimal | None = None
    traded_at: datetime | None = None

    @property
    def is_provisional(self) -> bool:
        """A stream may miss what a later answer, or the candles, correct."""
        return self.way is QuoteWay.STREAM


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """How a broker's stream stands. `line` numbers the present connection, zero in a gap.

    `heard_at` is when anything came last, a heartbeat included; `gap_began` and `gap_reasons` tell
    of the gap that lasts. The counts are since `began_at`.
    """

    name: str
    broker: Service
    began_at: datetime
    heard_at: datetime | None
    line: int
    instruments: int
    lines: int
    ticks: int
    bars: int
    quotes: int
    unreadable: int
    gaps: int
    gap_began: datetime | None
    gap_reasons: tuple[str, ...]
    is_over: bool = False
