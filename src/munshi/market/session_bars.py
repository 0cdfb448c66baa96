"""Where bars stand in the trading day: sessions and expected bars as frames."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval

INSTANT = pl.Datetime("us", "UTC")
_SESSIONS = {
    "day": pl.Date(),
    "session_opens": INSTANT,
    "session_closes": INSTANT,
    "hours_known": pl.Boolean(),
}
# Nine hours before 09:15: a whole number of bars of every interval.
_GRID_OF_UNKNOWN_HOURS = time(0, 15)


def ist_day(instant: pl.Expr) -> pl.Expr:
    return instant.dt.convert_time_zone(IST.key).dt.date()


def ist_midnight(day: pl.Expr) -> pl.Expr:
    """The stamp of the daily bar."""
    return day.cast(pl.Datetime("us")).dt.replace_time_zone(IST.key).dt.convert_time_zone("UTC")


def session_frame(
    days: Iterable[date], *, segment: Segment, calendar: MarketCalendar
) -> pl.DataFrame:
    """The sessions of `days`, in order.

    A day that traded at hours the calendar does not know is one long session, so that its
    candles are taken as they come. Raises CalendarYearUnknownError.
    """
    rows: list[tuple[date, datetime, datetime, bool]] = []
    for day in sorted(days):
        sessions = calendar.sessions(day, segment)
        rows += [(day, session.opens, session.closes, True) for session in sessions]
        if calendar.has_unknown_hours(day):
            opens = datetime.combine(day, _GRID_OF_UNKNOWN_HOURS, IST)
            midnight = datetime.combine(day + timedelta(days=1), time.min, IST)
            rows.append((day, opens, midnight, False))
    return pl.DataFrame(rows, schema=_SESSIONS, orient="row")


def place_bars(
    frame: pl.DataFrame, *, interval: Interval, segment: Segment, calendar: MarketCalendar
) -> pl.DataFrame:
    """Add `day`, and the `bar_opens` and `bar_ends` of the bar that each row belongs to.

    Both are empty for a row that opens in no session; a row belongs to a daily bar by its date
    alone. Bars are counted from the opening of their session, and its last may be short. Rows
    come back in order of `opens`.
    """
    dated = frame.with_columns(day=ist_day(pl.col("opens"))).sort("opens", maintain_order=True)
    sessions = session_frame(dated["day"].unique(), segment=segment, calendar=calendar)
    if interval.is_daily:
        return dated.join(_daily_bars(sessions), on="day", how="left", maintain_order="left")
    span = interval.span // timedelta(microseconds=1)
    into_session = (pl.col("opens") - pl.col("session_opens")).dt.total_microseconds()
    bar_opens = pl.col("opens") - pl.duration(microseconds=into_session % span)
    bar_ends = pl.min_horizontal(bar_opens + interval.span, "session_closes")
    inside = pl.when(pl.col("opens") < pl.col("session_closes"))
    return dated.join_asof(
        sessions.drop("day"), left_on="opens", right_on="session_opens", coalesce=False
    ).select(*dated.columns, bar_opens=inside.then(bar_opens), bar_ends=inside.then(bar_ends))


def expected_bars(
    days: Iterable[date],
    *,
    interval: Interval,
    segment: Segment,
    calendar: MarketCalendar,
    now: datetime,
) -> pl.DataFrame:
    """`day`, `opens` and `ends` of every bar of `days` that has closed by `now`, in order."""
    sessions = session_frame(days, segment=segment, calendar=calendar).filter("hours_known")
    if interval.is_daily:
        bars = _daily_bars(sessions)
    else:
        stamps = pl.datetime_ranges(
            "session_opens", "session_closes", interval=interval.span, closed="left"
        )
        ends = pl.min_horizontal(pl.col("bar_opens") + interval.span, "session_closes")
        bars = (
            sessions.with_columns(bar_opens=stamps).explode("bar_opens").with_columns(bar_ends=ends)
        )
    return bars.filter(pl.col("bar_ends") <= now.astimezone(UTC)).select(
        "day", opens="bar_opens", ends="bar_ends"
    )


def _daily_bars(sessions: pl.DataFrame) -> pl.DataFrame:
    return (
        sessions.group_by("day", maintain_order=True)
        .agg(bar_ends=pl.col("session_closes").max())
        .with_columns(bar_opens=ist_midnight(pl.col("day")))
        .select("day", "bar_opens", "bar_ends")
    )
