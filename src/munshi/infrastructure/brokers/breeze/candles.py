"""Breeze's history rows (version 2), to and from the wire."""

from datetime import UTC, datetime, time

from munshi.clock import IST
from munshi.domain.market.candles import Candle, to_price
from munshi.domain.market.intervals import Interval
from munshi.errors import BrokerRequestError, DateRangeInvalidError, PriceInvalidError
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.breeze.limits import MAX_ROWS


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
    return Candle(
        opens=_opens(row["datetime"], interval=interval),
        open=_price(row["open"]),
        high=_price(row["high"]),
        low=_price(row["low"]),
        close=_price(row["close"]),
        volume=row.get("volume").integer_or_none() or 0,
        oi=row.get("open_interest").integer_or_none(),
    )


def _price(answer: Answer) -> int:
    try:
        return to_price(answer.decimal())
    except PriceInvalidError:
        pass
    raise answer.unexpected("a price")


def _opens(answer: Answer, *, interval: Interval) -> datetime:
    """The bar's open; a daily bar's is midnight IST, whatever time Breeze puts beside its date."""
    try:
        wall = datetime.fromisoformat(answer.text()).replace(tzinfo=IST)
    except ValueError:
        wall = None
    if wall is None:
        raise answer.unexpected("a time")
    if interval.is_daily:
        wall = datetime.combine(wall.date(), time(0), tzinfo=IST)
    return wall.astimezone(UTC)
