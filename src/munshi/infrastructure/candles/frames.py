"""Candles as Polars frames: the one schema, the split by month, and the merge of two frames."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter

import polars as pl

from munshi.domain.market.candle_columns import NO_OI, Columns
from munshi.domain.market.candles import Candle

CandleFrame = pl.DataFrame
CANDLE_SCHEMA = pl.Schema(
    {
        "opens": pl.Datetime("us", "UTC"),
        "open": pl.Int64(),
        "high": pl.Int64(),
        "low": pl.Int64(),
        "close": pl.Int64(),
        "volume": pl.Int64(),
        "oi": pl.Int64(),
    }
)
COLUMNS = tuple(CANDLE_SCHEMA)
# All year and every year of which there are candles: no need to look it up row by row.
_AHEAD_OF_UTC = timedelta(hours=5, minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A month after a merge, and what became of the incoming rows."""

    frame: pl.DataFrame
    added: int
    changed: int
    same: int

    @property
    def is_unchanged(self) -> bool:
        return self.added == self.changed == 0


class Stamps:
    """The stamps of a frame that is not empty, as a container that is filled when it is asked."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._opens = frame["opens"]
        ends = frame.select(first=pl.col("opens").min(), last=pl.col("opens").max())
        self.first: datetime = ends["first"][0]
        self.last: datetime = ends["last"][0]

    def __contains__(self, opens: object) -> bool:
        return opens in self._all

    @cached_property
    def _all(self) -> frozenset[datetime]:
        return frozenset(self._opens.to_list())


def to_frame(candles: Iterable[Candle]) -> pl.DataFrame:
    rows = list(candles)
    # A 64-bit float holds seconds since 1970 to the microsecond; datetimes take longer by far.
    seconds = pl.Series([candle.opens.timestamp() for candle in rows], dtype=pl.Float64)
    opens = (seconds * 1_000_000).round().cast(pl.Int64).cast(CANDLE_SCHEMA["opens"])
    values = {name: list(map(attrgetter(name), rows)) for name in COLUMNS[1:]}
    return pl.DataFrame({"opens": opens, **values}, schema=CANDLE_SCHEMA)


def to_candles(frame: pl.DataFrame) -> Iterator[Candle]:
    return (Candle(**row) for row in frame.select(COLUMNS).iter_rows(named=True))


def to_columns(frame: pl.DataFrame) -> Columns:
    """As `CandleColumns` holds them."""
    whole = frame.select(COLUMNS).with_columns(pl.col("oi").fill_null(NO_OI))
    return tuple(array("q", column.to_physical().to_list()) for column in whole)


def empty_frame() -> pl.DataFrame:
    return CANDLE_SCHEMA.to_frame()


def month_of(opens: datetime) -> str:
    """`yyyymm` in IST: a daily bar is stamped at midnight IST, in UTC the evening before."""
    return (opens + _AHEAD_OF_UTC).strftime("%Y%m")


def split_by_month(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The frame's months in order, each with its rows in order of their stamps."""
    if frame.is_empty():
        return []
    ordered = frame if frame["opens"].is_sorted() else frame.sort("opens")
    clock = pl.col("opens") + _AHEAD_OF_UTC
    months = ordered.select(clock.dt.year().cast(pl.Int32) * 12 + clock.dt.month())["opens"]
    lengths = months.rle().struct.field("len").to_list()
    parts, start = [], 0
    for length in lengths:
        part = ordered.slice(start, length)
        parts.append((month_of(part["opens"][0]), part))
        start += length
    return parts


def merge(existing: pl.DataFrame, incoming: pl.DataFrame) -> Merged:
    """Take the incoming rows into a month; they win only where they differ.

    An incoming row without open interest says nothing about it, so a known one is kept. Both
    frames have each stamp once.
    """
    if existing.is_empty():
        frame = incoming.select(COLUMNS).sort("opens")
        return Merged(frame=frame, added=frame.height, changed=0, same=0)
    known = existing.with_columns(known=pl.lit(value=True))
    rows = incoming.join(known, on="opens", how="left", suffix="_known").with_columns(
        oi=pl.coalesce("oi", "oi_known")
    )
    differs = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_known")) for c in COLUMNS[1:])
    is_added = pl.col("known").is_null()
    added, changed = rows.select(
        added=is_added.sum(), changed=(is_added.not_() & differs).sum()
    ).row(0)
    kept = existing.join(incoming, on="opens", how="anti")
    return Merged(
        frame=pl.concat([kept, rows.select(COLUMNS)]).sort("opens"),
        added=added,
        changed=changed,
        same=incoming.height - added - changed,
    )
