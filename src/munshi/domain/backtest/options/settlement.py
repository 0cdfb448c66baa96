"""What an index settles at on the day its options expire, from the bars of the index.

NSE settles index options at the closing price of the index in its capital market on their last
trading day (NSE, "Settlement Price", row "Options Contracts on Index":
nseindia.com/products/content/derivatives/equities/settlement_price.htm). An index closes by the
closing prices of its shares, and such a price is the average of the last half hour's trades. Bars
of an index have no volume, so the plain average of the half hour's closes stands for it. Since the
closing auction of 3 Aug 2026 (NSE/CMTR/74466) shares close at the price of the auction, and the
last value of the day is the nearest there is.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.sessions import Segment, regular_hours

HALF_HOUR = timedelta(minutes=30)
_UNITS_A_PAISA = PRICE_SCALE // 100
SOURCE = (
    "Expiries settle at the average of the closes of the underlying's last half hour, since "
    "3 Aug 2026 at its last close."
)


def settlement_value(bars: Sequence[Candle], last: int, *, closes: datetime) -> int | None:
    """In paise, halves up; None where no bar of the half hour before `closes` is there.

    `bars[last]` is the last one that has closed; nothing after it is looked at.
    """
    first = closes - HALF_HOUR
    found: list[int] = []
    while last >= 0 and bars[last].opens >= first:
        if bars[last].opens < closes:
            found.append(bars[last].close)
        last -= 1
    if not found:
        return None
    if has_closing_auction(closes.date()):
        found = found[:1]
    units = len(found) * _UNITS_A_PAISA
    return (2 * sum(found) + units) // (2 * units)


def has_closing_auction(day: date) -> bool:
    """Whether shares with derivatives stop trading before the others, for an auction."""
    ordinary, with_auction = (regular_hours(day, s) for s in (Segment.CASH, Segment.CASH_CAS))
    return with_auction.closes < ordinary.closes
