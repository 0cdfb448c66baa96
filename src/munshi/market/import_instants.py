"""Cells of a candle file as instants, or the first one that is none."""

import re
from datetime import timedelta

import polars as pl

from munshi.clock import IST
from munshi.market.import_cells import Cells

_INSTANT = (
    r"^(?P<date>[^T :]+(?: [A-Za-z]{3} \d{4})?)"
    r"(?:[T ]+(?P<hour>[01]?\d|2[0-3]):?(?P<minute>[0-5]\d)"
    r"(?::?(?P<second>[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?)? ?"
    r"(?P<zone>Z|UTC|IST|[+-]\d{2}:?\d{2})?)?$"
)
_DATES = {
    r"^\d{4}-\d{2}-\d{2}$": "%Y-%m-%d",
    r"^\d{8}$": "%Y%m%d",
    r"^\d{4}/\d{2}/\d{2}$": "%Y/%m/%d",
    r"^\d{1,2}-\d{1,2}-\d{4}$": "%d-%m-%Y",
    r"^\d{1,2}/\d{1,2}/\d{4}$": "%d/%m/%Y",
    r"^\d{1,2}-[A-Za-z]{3}-\d{4}$": "%d-%b-%Y",
    r"^\d{1,2} [A-Za-z]{3} \d{4}$": "%d %b %Y",
}
# The commonest spelling: a date, a clock of two digits each, maybe a zone.
_USUAL = re.compile(
    r"(?P<date>[^T :]+(?: [A-Za-z]{3} \d{4})?)(?P<gap>[T ])\d\d:\d\d(?P<seconds>:\d\d)?"
    r"(?P<zone> ?(?:Z|UTC|IST|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)
_MICROSECONDS = {10: 1_000_000, 13: 1_000, 16: 1}
_EPOCH = r"^\d{10}(\d{3}){0,2}$"
_IST_OFFSET = 5 * 60 + 30
_HOW = "Write 2024-01-31 09:15, 20240131 09:15, 31/01/2024 09:15 or seconds since 1970."


def read_instants(cells: Cells) -> pl.Series:
    """Aware UTC; clock times without a zone are Indian.

    Days come before months (31/01/2024). Raises CandleFileInvalidError for what cannot be read,
    and for a column that mixes zones.
    """
    kind = cells.values.dtype
    if kind == pl.Date:
        return _from_ist(cells.values.cast(pl.Datetime("us")))
    if isinstance(kind, pl.Datetime):
        instants = cells.values.cast(pl.Datetime("us", kind.time_zone))
        return instants.dt.convert_time_zone("UTC") if kind.time_zone else _from_ist(instants)
    text = cells.filled_text()
    if text.str.contains(_EPOCH)[0]:
        return _read_epochs(cells, text)
    usual = _read_usual_clock(text)
    return _read_clock(cells, text) if usual is None else usual


def _from_ist(clock: pl.Series) -> pl.Series:
    return clock.dt.replace_time_zone(IST.key).dt.convert_time_zone("UTC")


def _read_epochs(cells: Cells, text: pl.Series) -> pl.Series:
    digits = len(text[0])
    for index in (~text.str.contains(rf"^\d{{{digits}}}$")).arg_true():
        cells.refuse(index, "is not written like the times before it", hint=_HOW)
    since_1970 = text.cast(pl.Int64) * _MICROSECONDS[digits]
    return since_1970.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _read_usual_clock(text: pl.Series) -> pl.Series | None:
    """All cells at once, if they are spelt like the first, and that in the commonest way."""
    first = _USUAL.fullmatch(text[0])
    look = next((look for look in _DATES if first and re.match(look, first["date"])), None)
    if first is None or look is None:
        return None
    zone, seconds = first["zone"] or "", first["seconds"] is not None
    clock = r"\d{2}:\d{2}:\d{2}" if seconds else r"\d{2}:\d{2}"
    shape = f"{look.removesuffix('$')}{first['gap']}{clock}{re.escape(zone)}$"
    if not text.str.contains(shape).all():
        return None
    spelling = f"{_DATES[look]}{first['gap']}{'%H:%M:%S' if seconds else '%H:%M'}{zone}"
    clocks = text.str.to_datetime(spelling, strict=False, time_unit="us")
    if clocks.null_count():
        return None
    offset = pl.Series([zone.strip() or None], dtype=pl.String).to_frame("zone")
    return _to_utc(clocks, offset.select(_zone_offset(pl.col("zone"))).item())


def _read_clock(cells: Cells, text: pl.Series) -> pl.Series:
    parts = text.str.extract_groups(_INSTANT).struct.unnest()
    for index in parts["date"].is_null().arg_true():
        cells.refuse(index, "is not a date and time", hint=_HOW)
    offsets = parts.select(minutes=_zone_offset(pl.col("zone")))["minutes"]
    for index in offsets.ne_missing(offsets[0]).arg_true():
        cells.refuse(index, "has another time zone than the rows before it")
    clock = parts.select(
        pl.duration(
            hours=pl.col("hour").cast(pl.Int64).fill_null(0),
            minutes=pl.col("minute").cast(pl.Int64).fill_null(0),
            seconds=pl.col("second").cast(pl.Int64).fill_null(0),
            microseconds=pl.col("fraction")
            .str.pad_end(6, "0")
            .str.head(6)
            .cast(pl.Int64)
            .fill_null(0),
        )
    ).to_series()
    return _to_utc(_read_dates(cells, parts["date"]) + clock, offsets[0])


def _to_utc(clocks: pl.Series, minutes_ahead: int | None) -> pl.Series:
    """Of clocks that show one zone, India's where none is said."""
    offset = timedelta(minutes=_IST_OFFSET if minutes_ahead is None else minutes_ahead)
    return (clocks - offset).dt.replace_time_zone("UTC")


def _zone_offset(zone: pl.Expr) -> pl.Expr:
    """Minutes ahead of UTC; nothing where no zone is written."""
    hours, minutes = (zone.str.extract(r"^[+-](\d{2}):?(\d{2})$", i).cast(pl.Int64) for i in (1, 2))
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    named = zone.replace_strict({"Z": 0, "UTC": 0, "IST": _IST_OFFSET}, default=None)
    return pl.coalesce(named, sign * (hours * 60 + minutes))


def _read_dates(cells: Cells, dates: pl.Series) -> pl.Series:
    spelling = next((form for look, form in _DATES.items() if re.match(look, dates[0])), None)
    if spelling is None:
        cells.refuse(0, "is not a date", hint=_HOW)
    days = dates.str.to_date(spelling, strict=False)
    for index in days.is_null().arg_true():
        cells.refuse(index, "is not a date written like those before it", hint=_HOW)
    return days.cast(pl.Datetime("us"))
