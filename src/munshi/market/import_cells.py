"""Cells of a candle file as exact prices, counts and instants, or the first one that is none."""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import NoReturn

import polars as pl

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE, to_price, to_rupees
from munshi.errors import CandleFileInvalidError, PriceInvalidError

_PLAIN_PRICE = r"^(\d{1,12})(?:\.(\d{0,4}))?$"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = r"^[+-]?\d+(?:\.0*)?$"
# A day of minutes, each of 15 digits, still adds up within the stored 64 bits.
_COUNT = r"^([+-]?0*\d{1,15})(?:\.0*)?$"
_NO_COUNT = ("", "nan", "NaN", "null", "None")
_PAISA = PRICE_SCALE // 100

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
_MICROSECONDS = {10: 1_000_000, 13: 1_000, 16: 1}
_EPOCH = r"^\d{10}(\d{3}){0,2}$"
_IST_OFFSET = 5 * 60 + 30
_HOW = "Write 2024-01-31 09:15, 20240131 09:15, 31/01/2024 09:15 or seconds since 1970."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """One column of a file; `places` says in which line or row of the file each cell stands."""

    column: str
    values: pl.Series
    row_word: str
    places: pl.Series

    def refuse(self, index: int, problem: str, *, hint: str | None = None) -> NoReturn:
        """Raises CandleFileInvalidError naming line and column."""
        value = self.values[index]
        said = "is empty" if value in (None, "") else f"{str(value)[:40]!r} {problem}"
        place = f"{self.row_word} {self.places[index]}, column {self.column!r}"
        raise CandleFileInvalidError(f"{place}: {said}.", hint=hint)

    def text(self) -> pl.Series:
        return self.values.cast(pl.String).str.strip_chars()

    def filled_text(self) -> pl.Series:
        """Raises CandleFileInvalidError for an empty cell."""
        text = self.text()
        for index in (text.is_null() | (text == "")).arg_true():
            self.refuse(index, "is empty")
        return text


def read_prices(cells: Cells) -> tuple[pl.Series, int]:
    """Ten-thousandths of a rupee, and how many prices were finer than that and got rounded.

    Numbers as text are read exactly. A 64-bit float counts as the decimal it prints as; a
    32-bit float cannot hold what an exchange quotes and is read to the nearest paisa.
    """
    if cells.values.dtype == pl.Float32:
        return _read_short_floats(cells)
    text = cells.text()
    whole = text.str.extract(_PLAIN_PRICE, 1).cast(pl.Int64)
    fraction = text.str.extract(_PLAIN_PRICE, 2).fill_null("").str.pad_end(4, "0").cast(pl.Int64)
    prices = whole * PRICE_SCALE + fraction
    odd = prices.is_null().arg_true().to_list()
    read = [_read_odd_price(cells, index, text[index]) for index in odd]
    rounded = sum(to_rupees(price) != number for price, number in read)
    return prices.scatter(odd, [price for price, _ in read]), rounded


def read_counts(cells: Cells) -> pl.Series:
    """Volume or open interest; empty where the file says nothing."""
    text = cells.text()
    counts = text.str.extract(_COUNT, 1).cast(pl.Int64)
    wrong = counts.is_null() & text.is_not_null() & ~text.is_in(_NO_COUNT)
    for index in wrong.arg_true():
        is_whole = text.str.contains(_WHOLE)[index]
        cells.refuse(index, "is too large" if is_whole else "is not a whole number")
    return counts


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
    return _read_clock(cells, text)


def _read_odd_price(cells: Cells, index: int, text: str | None) -> tuple[int, Decimal]:
    if text is None or not _NUMBER.fullmatch(text):
        cells.refuse(index, "is not a price")
    try:
        return to_price(text), Decimal(text)
    except PriceInvalidError:
        cells.refuse(index, "is not a price")


def _read_short_floats(cells: Cells) -> tuple[pl.Series, int]:
    for index in (~cells.values.is_finite()).fill_null(value=True).arg_true():
        cells.refuse(index, "is not a price")
    exact = cells.values.cast(pl.Float64) * 100
    paise = exact.round()
    return paise.cast(pl.Int64) * _PAISA, int((paise != exact).sum())


def _from_ist(clock: pl.Series) -> pl.Series:
    return clock.dt.replace_time_zone(IST.key).dt.convert_time_zone("UTC")


def _read_epochs(cells: Cells, text: pl.Series) -> pl.Series:
    digits = len(text[0])
    for index in (~text.str.contains(rf"^\d{{{digits}}}$")).arg_true():
        cells.refuse(index, "is not written like the times before it", hint=_HOW)
    since_1970 = text.cast(pl.Int64) * _MICROSECONDS[digits]
    return since_1970.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


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
    offset = timedelta(minutes=_IST_OFFSET if offsets[0] is None else offsets[0])
    return (_read_dates(cells, parts["date"]) + clock - offset).dt.replace_time_zone("UTC")


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
