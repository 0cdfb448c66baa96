"""Kite's history rows, to and from the wire."""

from datetime import UTC, datetime

from munshi.clock import IST
from munshi.domain.market.candles import Candle, to_price
from munshi.errors import DateRangeInvalidError, PriceInvalidError
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
    return [_candle(row) for row in data["candles"]]


def _candle(answer: Answer) -> Candle:
    row = answer.row(at_least=_OHLCV)
    stamp, *prices = row[:5]
    try:
        opens = datetime.fromisoformat(str(stamp))
        first, high, low, close = (to_price(str(price)) for price in prices)
    except (ValueError, PriceInvalidError):
        opens = None
    if opens is None or opens.tzinfo is None:
        raise answer.unexpected("a candle")
    return Candle(
        opens=opens.astimezone(UTC),
        open=first,
        high=high,
        low=low,
        close=close,
        volume=Answer(answer.broker, row[5], "a volume").integer(),
        oi=Answer(answer.broker, row[6], "open interest").integer_or_none()
        if len(row) >= _WITH_OI
        else None,
    )
