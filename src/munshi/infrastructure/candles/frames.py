"""Candles as Polars frames: the one schema, the split by month, and the merge of two frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

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
_IST = "Asia/Kolkata"


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


def to_frame(candles: Iterable[Candle]) -> pl.DataFrame:
    rows = [tuple(getattr(candle, column) for column in COLUMNS) for candle in candles]
    return pl.DataFrame(rows, schema=CANDLE_SCHEMA, orient="row")


def to_candles(frame: pl.DataFrame) -> Iterator[Candle]:
    return (Candle(**row) for row in frame.select(COLUMNS).iter_rows(named=True))


def empty_frame() -> pl.DataFrame:
    return CANDLE_SCHEMA.to_frame()


def month_of(opens: pl.Expr) -> pl.Expr:
    """`yyyymm` in IST: a daily bar is stamped at midnight IST, in UTC the evening before."""
    return opens.dt.convert_time_zone(_IST).dt.strftime("%Y%m")


def split_by_month(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The frame's months in order, each with its rows in order of their stamps."""
    months = frame.sort("opens").with_columns(month=month_of(pl.col("opens")))
    return [
        (str(month), part.drop("month"))
        for (month,), part in months.group_by("month", maintain_order=True)
    ]


def merge(existing: pl.DataFrame, incoming: pl.DataFrame) -> Merged:
    """Take the incoming rows into a month; they win only where they differ.

    An incoming row without open interest says nothing about it, so a known one is kept. Both
    frames have each stamp once.
    """
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
