"""Longer bars from shorter ones, session by session."""

from datetime import UTC, datetime

import polars as pl

from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import COLUMNS
from munshi.market.session_bars import place_bars


def resample(
    minutes: pl.DataFrame,
    *,
    interval: Interval,
    segment: Segment,
    calendar: MarketCalendar,
    now: datetime,
    base: Interval = Interval.ONE_MINUTE,
) -> pl.DataFrame:
    """The bars of `interval` that the bars of `base` make up, in order.

    Bars open on their session's grid (09:15, 10:15 … for hourly bars) whatever the first trade;
    the last of a session may be short, and none spans two sessions. A bar exists once it has
    closed by `now` and any of its parts does. Parts outside the sessions are ignored; open
    interest is the last one known. Each part comes once. Raises CalendarYearUnknownError.
    """
    in_session = place_bars(
        minutes.select(COLUMNS),
        interval=base,
        segment=segment,
        calendar=calendar,
    ).filter(pl.col("bar_opens").is_not_null())
    placed = place_bars(
        in_session.select(COLUMNS), interval=interval, segment=segment, calendar=calendar
    )
    bars = placed.group_by("bar_opens", maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.col("oi").drop_nulls().last(),
        pl.col("bar_ends").first(),
    )
    closed = bars.filter(pl.col("bar_ends") <= now.astimezone(UTC))
    return closed.rename({"bar_opens": "opens"}).select(COLUMNS)
