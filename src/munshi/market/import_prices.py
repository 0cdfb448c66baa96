"""Cells of a candle file as exact prices, or the first one that is none."""

import re
from decimal import Decimal

import polars as pl

from munshi.domain.market.candles import PRICE_SCALE, to_price, to_rupees
from munshi.errors import PriceInvalidError
from munshi.market.import_cells import Cells

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
# Whole rupees and decimals, of a number that fits the stored 64 bits for sure.
_DECIMAL = r"^(?<whole>\d{1,12})(?:\.(?<decimals>\d*))?$"
_DECIMALS = 4
# Two decimals of at most 15 digits never are the same 64-bit float.
_DIGITS = 15
_PAISA = PRICE_SCALE // 100


def read_prices(cells: Cells) -> tuple[pl.Series, int]:
    """Ten-thousandths of a rupee, and how many prices were finer than that and got rounded.

    Numbers as text are read exactly. A 64-bit float counts as the decimal it prints as; a
    32-bit float cannot hold what an exchange quotes and is read to the nearest paisa. Raises
    CandleFileInvalidError naming line and column.
    """
    if cells.values.dtype == pl.Float32:
        return _read_short_floats(cells)
    prices = _read_short_numbers(cells.values)
    longer = prices.is_null().arg_true()
    if longer.is_empty():
        return prices, 0
    read, rounded = _read_decimals(cells.text(longer))
    odd = read.is_null().arg_true()
    if not odd.is_empty():
        text = cells.text(longer)
        found = [_read_odd_price(cells, longer[place], text[place]) for place in odd]
        rounded += sum(to_rupees(price) != number for price, number in found)
        read = read.scatter(odd, [price for price, _ in found])
    return prices.scatter(longer, read), rounded


def _read_short_numbers(values: pl.Series) -> pl.Series:
    """What a 64-bit float holds exactly enough; empty for all else, which may be a price, too."""
    kind = values.dtype
    if kind not in {pl.String, pl.Float64} and not kind.is_integer():
        return pl.Series([None] * len(values), dtype=pl.Int64)
    rupees = values.cast(pl.Float64, strict=False)
    prices = (rupees * PRICE_SCALE).round().cast(pl.Int64, strict=False)
    # By a column, because a division by one number is a product with its inverse: an ulp off.
    scale = pl.repeat(float(PRICE_SCALE), len(values), eager=True)
    is_exact = (prices / scale == rupees) & (prices.abs() < 10**_DIGITS)
    if kind == pl.String:
        is_exact &= values.str.len_bytes() <= _DIGITS
    return prices.set(~is_exact.fill_null(value=False), None)


def _read_decimals(text: pl.Series) -> tuple[pl.Series, int]:
    """Plain decimals of any length, ties to even; empty for all else."""
    parts = text.str.extract_groups(_DECIMAL).struct.unnest()
    finer = pl.col("decimals").str.slice(_DECIMALS).str.strip_chars_end("0").fill_null("")
    shown = pl.col("decimals").fill_null("").str.head(_DECIMALS).str.pad_end(_DECIMALS, "0")
    read = parts.select(
        price=pl.col("whole").cast(pl.Int64) * PRICE_SCALE + shown.cast(pl.Int64), finer=finer
    )
    # As text "5" is the half, and all that is more comes behind it.
    up = (pl.col("finer") > "5") | ((pl.col("finer") == "5") & (pl.col("price") % 2 == 1))
    rounded = read.select(((pl.col("finer") != "") & pl.col("price").is_not_null()).sum()).item()
    return read.select(pl.col("price") + up.cast(pl.Int64)).to_series(), rounded


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
