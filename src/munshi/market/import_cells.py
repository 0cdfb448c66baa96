"""Cells of a candle file as whole numbers, or the first one that is none."""

from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from munshi.domain.market.candles import MOST_COUNT
from munshi.errors import CandleFileInvalidError

_WHOLE = r"^[+-]?\d+(?:\.0*)?$"
_COUNT = r"^([+-]?0*\d{1,15})(?:\.0*)?$"
_NO_COUNT = ("", "nan", "NaN", "null", "None")


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

    def text(self, indices: pl.Series | None = None) -> pl.Series:
        """As text without blanks around it: all cells, or those."""
        values = self.values if indices is None else self.values.gather(indices)
        return values.cast(pl.String).str.strip_chars()

    def filled_text(self) -> pl.Series:
        """Raises CandleFileInvalidError for an empty cell."""
        text = self.text()
        for index in (text.is_null() | (text == "")).arg_true():
            self.refuse(index, "is empty")
        return text


def read_counts(cells: Cells) -> pl.Series:
    """Volume or open interest; empty where the file says nothing.

    Raises CandleFileInvalidError for what is no whole number, or too large to be added up.
    """
    kind = cells.values.dtype
    counts = pl.Series([None] * len(cells.values), dtype=pl.Int64)
    if kind == pl.String or kind.is_integer():
        counts = cells.values.cast(pl.Int64, strict=False)
    odd = (~counts.is_between(-MOST_COUNT, MOST_COUNT)).fill_null(value=True).arg_true()
    if odd.is_empty():
        return counts
    text = cells.text(odd)
    read = text.str.extract(_COUNT, 1).cast(pl.Int64)
    wrong = read.is_null() & text.is_not_null() & ~text.is_in(_NO_COUNT)
    for place in wrong.arg_true():
        is_whole = text.str.contains(_WHOLE)[place]
        cells.refuse(odd[place], "is too large" if is_whole else "is not a whole number")
    return counts.scatter(odd, read)
