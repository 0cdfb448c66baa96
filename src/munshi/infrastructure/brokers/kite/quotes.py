"""Kite's quote answers, keyed by the instrument asked for."""

from datetime import UTC, datetime
from decimal import Decimal

from munshi.clock import IST
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.results import OhlcQuote, Quote


def read_quotes(data: Answer) -> dict[str, Quote]:
    return {key: _quote(row) for key, row in data.items()}


def read_ohlc(data: Answer) -> dict[str, OhlcQuote]:
    return {
        key: OhlcQuote(
            last_price=row["last_price"].decimal(),
            open=row["ohlc"]["open"].decimal(),
            high=row["ohlc"]["high"].decimal(),
            low=row["ohlc"]["low"].decimal(),
            close=row["ohlc"]["close"].decimal(),
        )
        for key, row in data.items()
    }


def read_last_prices(data: Answer) -> dict[str, Decimal]:
    return {key: row["last_price"].decimal() for key, row in data.items()}


def _quote(row: Answer) -> Quote:
    day = row["ohlc"]
    return Quote(
        last_price=row["last_price"].decimal(),
        open=day["open"].decimal(),
        high=day["high"].decimal(),
        low=day["low"].decimal(),
        close=day["close"].decimal(),
        traded_at=_instant(row.get("last_trade_time")) or _instant(row.get("timestamp")),
        volume=row.get("volume").integer_or_none(),
        oi=row.get("oi").integer_or_none(),
        best_bid=_best(row, side="buy"),
        best_offer=_best(row, side="sell"),
        lower_circuit=row.get("lower_circuit_limit").decimal_or_none(),
        upper_circuit=row.get("upper_circuit_limit").decimal_or_none(),
    )


def _best(row: Answer, *, side: str) -> Decimal | None:
    """The first price of a side; indices have no depth, and an empty side is padded with zeros."""
    depth = row.get("depth")
    if depth.value is None:
        return None
    prices = (level["price"].decimal() for level in depth[side])
    return next((price for price in prices if price), None)


def _instant(answer: Answer) -> datetime | None:
    """IST wall time without an offset; contracts that never traded have none."""
    if not answer.text_or(""):
        return None
    try:
        wall = datetime.strptime(answer.text(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=IST)
    except ValueError:
        wall = None
    if wall is None:
        raise answer.unexpected("a time")
    return wall.astimezone(UTC)
