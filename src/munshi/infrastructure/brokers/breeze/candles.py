"""Breeze's history rows (version 2), to and from the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from munshi.clock import IST
from munshi.domain.market.candles import MOST_COUNT, Candle, to_price
from munshi.domain.market.intervals import Interval
from munshi.errors import BrokerRequestError, DateRangeInvalidError, PriceInvalidError
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.breeze.limits import MAX_ROWS

# India's clock, all year and every year of which Breeze has candles.
_AHEAD_OF_UTC = timedelta(hours=5, minutes=30)


def window_text(instant: datetime) -> str:
    """`2024-01-15T09:15:00.000Z`: IST wall time, whatever its Z says."""
    if instant.tzinfo is None:
        raise DateRangeInvalidError("A history window needs instants that name their zone.")
    return instant.astimezone(IST).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def read_candles(success: Answer, *, interval: Interval) -> list[Candle]:
    """The rows in the broker's order, none where there are no data.

    Raises BrokerRequestError for an answer that was cut: as many rows as Breeze ever gives.
    """
    if success.value is None:
        return []
    is_daily = interval.is_daily
    found = [_candle(row, success.broker, is_daily=is_daily) for row in success.values()]
    if len(found) >= MAX_ROWS:
        raise BrokerRequestError(
            f"Breeze cuts history to {MAX_ROWS} rows and this answer has {len(found)}.",
            hint="Ask for a shorter range.",
        )
    return found


def _candle(row: object, broker: str, *, is_daily: bool) -> Candle:
    """There may be many: an Answer is made of a row only where something is odd with it."""
    if not isinstance(row, dict):
        raise Answer(broker, row, "a row of Success").unexpected("an object")
    return Candle(
        opens=_opens(row, broker, is_daily=is_daily),
        open=_price(row, "open", broker),
        high=_price(row, "high", broker),
        low=_price(row, "low", broker),
        close=_price(row, "close", broker),
        volume=_count(row, "volume", broker) or 0,
        oi=_count(row, "open_interest", broker),
    )


def _price(row: Mapping[str, object], name: str, broker: str) -> int:
    """A number, or a text that is one."""
    value = row.get(name)
    try:
        return to_price(value if type(value) is Decimal else _field(row, name, broker).decimal())
    except PriceInvalidError:
        pass
    raise _field(row, name, broker).unexpected("a price")


def _count(row: Mapping[str, object], name: str, broker: str) -> int | None:
    value = row.get(name)
    if value is None or (type(value) is int and -MOST_COUNT <= value <= MOST_COUNT):
        return value
    return _field(row, name, broker).count_or_none()


def _opens(row: Mapping[str, object], broker: str, *, is_daily: bool) -> datetime:
    """The bar's open; a daily bar's is midnight IST, whatever time Breeze puts beside its date."""
    stamp = row.get("datetime")
    text = stamp if type(stamp) is str else _field(row, "datetime", broker).text()
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        wall = None
    if wall is None:
        raise _field(row, "datetime", broker).unexpected("a time")
    if is_daily:
        wall = datetime.combine(wall.date(), time(0))
    return wall.replace(tzinfo=UTC) - _AHEAD_OF_UTC


def _field(row: Mapping[str, object], name: str, broker: str) -> Answer:
    return Answer(broker, row, "a row of Success")[name]
