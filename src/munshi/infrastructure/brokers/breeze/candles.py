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
    found = [_candle(row, interval=interval) for row in success]
    if len(found) >= MAX_ROWS:
        raise BrokerRequestError(
            f"Breeze cuts history to {MAX_ROWS} rows and this answer has {len(found)}.",
            hint="Ask for a shorter range.",
        )
    return found


def _candle(row: Answer, *, interval: Interval) -> Candle:
    """There may be many: the fields are looked at closely only where one is not as usual."""
    fields = row.fields()
    return Candle(
        opens=_opens(row, fields.get("datetime"), interval=interval),
        open=_price(row, fields, "open"),
        high=_price(row, fields, "high"),
        low=_price(row, fields, "low"),
        close=_price(row, fields, "close"),
        volume=_count(row, fields, "volume") or 0,
        oi=_count(row, fields, "open_interest"),
    )


def _price(row: Answer, fields: Mapping[str, object], name: str) -> int:
    """A number, or a text that is one."""
    value = fields.get(name)
    try:
        return to_price(value if type(value) is Decimal else row[name].decimal())
    except PriceInvalidError:
        pass
    raise row[name].unexpected("a price")


def _count(row: Answer, fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is None or (type(value) is int and -MOST_COUNT <= value <= MOST_COUNT):
        return value
    return row[name].count_or_none()


def _opens(row: Answer, stamp: object, *, interval: Interval) -> datetime:
    """The bar's open; a daily bar's is midnight IST, whatever time Breeze puts beside its date."""
    try:
        wall = datetime.fromisoformat(stamp if type(stamp) is str else row["datetime"].text())
    except ValueError:
        wall = None
    if wall is None:
        raise row["datetime"].unexpected("a time")
    if interval.is_daily:
        wall = datetime.combine(wall.date(), time(0))
    return wall.replace(tzinfo=UTC) - _AHEAD_OF_UTC
