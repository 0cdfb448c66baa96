"""Candles made up for tests."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import polars as pl

from munshi.clock import IST
from munshi.domain.market.candles import Candle
from munshi.infrastructure.candles.frames import to_frame


def ist(text: str) -> datetime:
    """`2024-01-01 09:15`, Indian time."""
    return datetime.fromisoformat(text).replace(tzinfo=IST)


def candle(opens: datetime, *, price: int = 217_277_500, **other: int | None) -> Candle:
    """A bar that stays near `price`, unless told otherwise."""
    values: dict[str, int | None] = {
        "open": price,
        "high": price + 9_500,
        "low": price - 10_000,
        "close": price + 500,
        "volume": 75,
        "oi": None,
    }
    return Candle(opens=opens, **(values | other))  # type: ignore[arg-type]


def minutes(first: str, *, count: int, step: int = 1, price: int = 217_277_500) -> pl.DataFrame:
    """Bars `step` minutes apart, each a little dearer than the one before."""
    start = ist(first)
    stamps: Iterable[datetime] = (start + timedelta(minutes=step * i) for i in range(count))
    return to_frame(candle(stamp, price=price + 500 * i) for i, stamp in enumerate(stamps))
