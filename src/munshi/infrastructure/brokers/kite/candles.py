"""Kite's history rows, to and from the wire."""

from datetime import UTC, datetime

from munshi.clock import IST
from munshi.domain.market.candles import MOST_COUNT, Candle, to_price
from munshi.errors import BrokerUnavailableError, DateRangeInvalidError, PriceInvalidError
from munshi.infrastructure.brokers.answer import Answer

_OHLCV = 6
_WITH_OI = 7


def window_text(instant: datetime) -> str:
    """`2024-01-15 09:15:00`, the IST wall time Kite reads."""
    if instant.tzinfo is None:
        raise DateRangeInvalidError("A history window needs instants that name their zone.")
    return instant.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")


def read_candles(data: Answer) -> list[Candle]:
    """Rows `[stamp, open, high, low, close, volume(, oi)]` in the broker's order.

    Raises BrokerUnavailableError for a row that is none.
    """
    candles = data["candles"]
    return [_candle(row, candles.broker) for row in candles.values()]


def _candle(row: object, broker: str) -> Candle:
    """There may be thousands: an Answer is made of a value only where something is odd with it."""
    if not isinstance(row, list) or len(row) < _OHLCV:
        raise _unexpected(row, broker, f"a row of {_OHLCV} values")
    try:
        opens = datetime.fromisoformat(str(row[0]))
        first, high = to_price(row[1]), to_price(row[2])
        low, close = to_price(row[3]), to_price(row[4])
    except (ValueError, PriceInvalidError):
        opens = None
    if opens is None or opens.tzinfo is None:
        raise _unexpected(row, broker, "a candle")
    oi = row[6] if len(row) >= _WITH_OI else None
    return Candle(
        opens=opens.astimezone(UTC),
        open=first,
        high=high,
        low=low,
        close=close,
        volume=_count(row[5], broker),
        oi=None if oi is None or oi == "" else _count(oi, broker),
    )


def _count(value: object, broker: str) -> int:
    if type(value) is int and -MOST_COUNT <= value <= MOST_COUNT:
        return value
    return Answer(broker, value, "a volume or open interest").count()


def _unexpected(row: object, broker: str, wanted: str) -> BrokerUnavailableError:
    return Answer(broker, row, "a row of candles").unexpected(wanted)
