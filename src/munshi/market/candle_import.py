"""Candles out of CSV and Parquet files that people have, read exactly or not at all."""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Self

import polars as pl

from munshi.domain.market.intervals import Interval
from munshi.errors import CandleFileInvalidError
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA, COLUMNS
from munshi.market.import_cells import Cells, read_counts
from munshi.market.import_columns import EXPECTED, INSTANTS, PRICES, Column, find_columns
from munshi.market.import_instants import read_instants
from munshi.market.import_prices import read_prices

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_SEPARATORS = (",", ";", "\t", "|")
_OWN = "instrument"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSeries:
    """The rows of one instrument as they stand in the file: not yet judged, not yet in order.

    `instrument` is the file's own word, None if the file names none.
    """

    instrument: str | None
    interval: Interval
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRows:
    """A candle file as read. `rounded` prices were finer than what is stored."""

    series: tuple[ImportedSeries, ...]
    rows: int
    rounded: int
    ignored_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A file's columns as they stand there, without empty lines; `places` numbers the rows."""

    frame: pl.DataFrame
    row_word: str
    places: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame, *, row_word: str, first: int) -> Self:
        is_empty = pl.all_horizontal(pl.all().is_null())
        there = frame.select((~is_empty).alias("there"))["there"]
        places = pl.int_range(first, first + frame.height, eager=True)
        if there.all():
            return cls(frame=frame, row_word=row_word, places=places)
        return cls(frame=frame.filter(there), row_word=row_word, places=places.filter(there))

    def cells(self, column: str) -> Cells:
        values = self.frame[column]
        if values.dtype.is_nested():
            raise CandleFileInvalidError(f"The column {column!r} holds {values.dtype}.")
        return Cells(column=column, values=values, row_word=self.row_word, places=self.places)


def read_candle_file(path: Path, *, interval: Interval | None = None) -> ImportedRows:
    """Read CSV (also gzipped) or Parquet, told apart by content; nothing is written.

    Stamps are when bars open; without a zone they are Indian time. Prices are rupees. The
    interval is that of most neighbouring rows if none is given. A file with the columns of
    Munshi's own store is taken as it is, if its counts can be added up. Raises
    CandleFileInvalidError naming line and column.
    """
    try:
        table = _open_table(path)
        return _read(table, interval=interval)
    except CandleFileInvalidError as error:
        raise CandleFileInvalidError(f"{path.name}: {error.detail}", hint=error.hint) from error


def _open_table(path: Path) -> _Table:
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CandleFileInvalidError("The compressed file is cut short or damaged.") from error
    except OSError as error:
        raise CandleFileInvalidError(f"It cannot be read: {error.strerror}.") from error
    if content.startswith(_ZIP):
        raise CandleFileInvalidError("It is a zip archive or workbook.", hint="Save it as CSV.")
    if content.startswith(_PARQUET):
        return _Table.of(_parquet(content), row_word="row", first=1)
    return _Table.of(_csv(content), row_word="line", first=2)


def _parquet(content: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise CandleFileInvalidError("The Parquet file is cut short or damaged.") from error


def _csv(content: bytes) -> pl.DataFrame:
    text = _text(content)
    first_line = text.partition(b"\n")[0].decode()
    if not first_line.strip():
        raise CandleFileInvalidError("The file is empty or starts with an empty line.")
    separator = max(_SEPARATORS, key=first_line.count)
    header = next(_rows(first_line, separator))
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise CandleFileInvalidError(f"The column {twice[0]!r} is there twice.", hint=EXPECTED)
    try:
        return pl.read_csv(text, separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise CandleFileInvalidError(_torn_line(text.decode(), separator)) from error


def _text(content: bytes) -> bytes:
    """UTF-8 for sure, with line ends of one kind."""
    try:
        content.decode()
        wrong = content.find(b"\0")
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0:
        line = content.count(b"\n", 0, wrong) + 1
        raise CandleFileInvalidError(f"line {line}: this is not text in UTF-8.")
    text = content.removeprefix(codecs.BOM_UTF8)
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        yield from rows
    except csv.Error as error:
        raise CandleFileInvalidError(f"line {rows.line_num}: {error}.") from error


def _torn_line(text: str, separator: str) -> str:
    rows = enumerate(_rows(text, separator), start=1)
    _, header = next(rows)
    for line, row in rows:
        if len(row) > len(header):
            return f"line {line}: {len(row)} cells under {len(header)} columns."
    return "A quotation mark is never closed."


def _read(table: _Table, *, interval: Interval | None) -> ImportedRows:
    if table.frame.is_empty():
        raise CandleFileInvalidError("The file holds no rows.", hint=EXPECTED)
    if table.frame.schema == CANDLE_SCHEMA:
        for name in (Column.VOLUME, Column.OI):  # others than we may have written it
            read_counts(table.cells(name.value))
        found, rounded = table.frame.with_columns(pl.lit(None, pl.String).alias(_OWN)), 0
        ignored: tuple[str, ...] = ()
    else:
        columns = find_columns(table.frame.columns)
        found, rounded = _typed(table, columns)
        ignored = tuple(name for name in table.frame.columns if name not in columns.values())
    return ImportedRows(
        series=tuple(
            ImportedSeries(
                instrument=name,
                interval=interval or _interval_of(rows["opens"], name=name),
                frame=rows.select(COLUMNS),
            )
            for name, rows in _by_instrument(found)
        ),
        rows=found.height,
        rounded=rounded,
        ignored_columns=ignored,
    )


def _by_instrument(rows: pl.DataFrame) -> Iterator[tuple[str | None, pl.DataFrame]]:
    if rows[_OWN].null_count() == rows.height:
        yield None, rows
        return
    for (name,), part in rows.group_by(_OWN, maintain_order=True):
        yield str(name), part


def _typed(table: _Table, columns: Mapping[Column, str]) -> tuple[pl.DataFrame, int]:
    prices = {name: read_prices(table.cells(columns[name])) for name in PRICES}
    counts = {
        name: read_counts(table.cells(columns[name]))
        if name in columns
        else pl.Series([None] * table.frame.height, dtype=pl.Int64)
        for name in (Column.VOLUME, Column.OI)
    }
    frame = pl.DataFrame(
        {
            _OWN: _names(table, columns),
            "opens": read_instants(_stamps(table, columns)),
            **{name.value: values for name, (values, _) in prices.items()},
            "volume": counts[Column.VOLUME].fill_null(0),
            "oi": counts[Column.OI],
        }
    )
    return frame, sum(rounded for _, rounded in prices.values())


def _stamps(table: _Table, columns: Mapping[Column, str]) -> Cells:
    """The column that holds the instants, put together from date and time where they are two."""
    if Column.DATETIME in columns or not {Column.DATE, Column.TIME} <= columns.keys():
        name = next(column for column in INSTANTS if column in columns)
        return table.cells(columns[name])
    day, clock = table.cells(columns[Column.DATE]), table.cells(columns[Column.TIME])
    dates = day.values.dt.date() if day.values.dtype == pl.Datetime else day.values
    both = dates.cast(pl.String).str.strip_chars() + " " + clock.filled_text()
    return replace(day, column=f"{day.column} {clock.column}", values=both)


def _names(table: _Table, columns: Mapping[Column, str]) -> pl.Series:
    if Column.INSTRUMENT not in columns:
        return pl.Series(_OWN, [None] * table.frame.height, dtype=pl.String)
    cells = table.cells(columns[Column.INSTRUMENT])
    return cells.filled_text().alias(_OWN)


def _interval_of(stamps: pl.Series, *, name: str | None) -> Interval:
    steps = stamps.unique().sort().diff().drop_nulls()
    if steps.is_empty():
        raise CandleFileInvalidError(
            f"One row{f' of {name}' if name else ''} does not show how long its bar is.",
            hint="Name the interval with --interval.",
        )
    counted = steps.alias("step").to_frame().group_by("step", maintain_order=True).len()
    usual: timedelta = counted.sort("len", descending=True, maintain_order=True)["step"][0]
    for interval in Interval:
        if interval.span == usual:
            return interval
    raise CandleFileInvalidError(
        f"Rows{f' of {name}' if name else ''} are {usual} apart, which is no bar interval.",
        hint=f"Munshi keeps {', '.join(Interval)}.",
    )
