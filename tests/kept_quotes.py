"""Quotes made up by hand."""

from collections.abc import Mapping
from datetime import datetime

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

_NAMED: Mapping[str, str] = {"source": "kite", "exchange": "NSE", "instrument": "INFY"}


def kept_quote(
    at: datetime, *, bid: int = 999_500, mode: BrokerMode = BrokerMode.SIMULATED, **named: str
) -> KeptQuote:
    """A quote of NSE:INFY from kite, ten paise wide, unless it is named otherwise."""
    key = CandleKey(mode=mode, interval=Interval.ONE_MINUTE, **{**_NAMED, **named})
    return KeptQuote(key=key, at=at, bid=bid, bid_quantity=75, offer=bid + 1000, offer_quantity=50)


def save_quotes(database: Database, *quotes: KeptQuote) -> int:
    with database.operational() as tx:
        return tx.stream_quotes.save_quotes(quotes)
