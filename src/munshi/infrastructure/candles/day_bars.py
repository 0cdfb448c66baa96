"""How many bars of each day a frame holds."""

from datetime import date

import polars as pl

_IST = "Asia/Kolkata"


def bars_by_day(frame: pl.DataFrame) -> dict[date, int]:
    """By day (IST), in order; `frame` has each stamp once."""
    day = pl.col("opens").dt.convert_time_zone(_IST).dt.date()
    counted = frame.group_by(day=day, maintain_order=True).agg(bars=pl.len())
    return dict(counted.sort("day").iter_rows())
