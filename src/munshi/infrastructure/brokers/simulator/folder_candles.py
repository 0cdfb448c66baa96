"""Real candles from a folder of CSV or Parquet files, replayed as a broker's history."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date
from functools import lru_cache
from pathlib import Path
from typing import Self

import polars as pl

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentRef
from munshi.errors import CandleFileInvalidError, InstrumentUnknownError

SUFFIXES = {".csv", ".parquet"}
INSTRUMENT_NAMES = ("instrument", "symbol", "ticker", "tradingsymbol")
STAMP_NAMES = ("datetime", "timestamp")
PRICES = ("open", "high", "low", "close")
DAYS_CACHED = 256
HINT = "Use the columns Instrument, Date, Time, Open, High, Low, Close."


class FolderCandles:
    """Serves what the folder holds and nothing else; one-minute bars, IST, stamped at opening."""

    label = "real candles replayed by the simulator"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days: dict[tuple[str, date], pl.DataFrame] = {}
        self.first_day: date | None = None
        self.last_day: date | None = None
        self._cached = lru_cache(maxsize=DAYS_CACHED)(self._candles)

    def open(self) -> Self:
        """Read every file. Raises CandleFileInvalidError for a folder without usable candles."""
        files = _files(self._folder)
        if not files:
            raise CandleFileInvalidError(
                f"There is no CSV or Parquet file in {self._folder}.", hint=HINT
            )
        frame = pl.concat([_read(file) for file in files])
        frame = frame.unique(["instrument", "stamp"], keep="first").sort("instrument", "stamp")
        for (name, day), rows in frame.partition_by(
            "instrument", "day", as_dict=True, maintain_order=True
        ).items():
            self._days[str(name), day] = rows
        days = [day for _, day in self._days]
        self.first_day, self.last_day = min(days), max(days)
        return self

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        return self._cached(str(instrument.ref), day)

    def closing(self, instrument: Instrument, day: date) -> int | None:
        bars = self.minutes(instrument, day)
        return bars[-1].close if bars else None

    def _candles(self, name: str, day: date) -> Sequence[Candle]:
        rows = self._days.get((name, day))
        if rows is None:
            return ()
        columns = ("stamp", *PRICES, "volume", "oi")
        return tuple(
            Candle(
                opens=stamp.replace(tzinfo=IST).astimezone(UTC),
                open=opened,
                high=high,
                low=low,
                close=close,
                volume=volume,
                oi=oi,
            )
            for stamp, opened, high, low, close, volume, oi in rows.select(columns).iter_rows()
        )


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    return sorted(f for f in folder.glob("*") if f.suffix.lower() in SUFFIXES)


def _read(file: Path) -> pl.DataFrame:
    """Instrument (as EXCHANGE:SYMBOL), wall-clock stamp, day, whole prices, volume, interest."""
    try:
        raw = (
            pl.read_parquet(file)
            if file.suffix.lower() == ".parquet"
            else pl.read_csv(file, infer_schema=False)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CandleFileInvalidError(
            f"{file.name} cannot be read as candles.", hint=HINT
        ) from error
    raw = raw.rename({name: name.strip().lower() for name in raw.columns})
    missing = [name for name in PRICES if name not in raw.columns]
    if missing:
        raise CandleFileInvalidError(f"{file.name} has no column {missing[0]}.", hint=HINT)
    frame = raw.select(
        _instrument(raw.columns, file),
        _stamp(raw, file),
        *(_price(name) for name in PRICES),
        _whole("volume", raw.columns).fill_null(0),
        _whole("oi", raw.columns, other="open_interest"),
    ).drop_nulls(["stamp", *PRICES])
    if frame.is_empty():
        raise CandleFileInvalidError(f"{file.name} holds no usable candle.", hint=HINT)
    names = {name: _spelled(name) for name in frame["instrument"].unique()}
    return frame.with_columns(
        pl.col("instrument").replace_strict(names), pl.col("stamp").dt.date().alias("day")
    )


def _instrument(columns: Iterable[str], file: Path) -> pl.Expr:
    """The column that names it, or the file's own name up to the first underscore."""
    found = next((name for name in INSTRUMENT_NAMES if name in columns), None)
    named = pl.col(found).cast(pl.String) if found else pl.lit(file.stem.split("_")[0])
    return named.str.strip_chars().alias("instrument")


def _stamp(raw: pl.DataFrame, file: Path) -> pl.Expr:
    """`20240101` and `09:15`, or one column with both; zones are turned into IST."""
    found = next((name for name in STAMP_NAMES if name in raw.columns), None)
    if found is None and not {"date", "time"} <= set(raw.columns):
        raise CandleFileInvalidError(f"{file.name} has no date and time.", hint=HINT)
    if found is None:
        text = pl.col("date").cast(pl.String).str.replace_all("-", "") + pl.concat_str(
            pl.lit(" "), pl.col("time").cast(pl.String).str.head(5)
        )
        return text.str.to_datetime("%Y%m%d %H:%M", strict=False).alias("stamp")
    kind = raw.schema[found]
    if isinstance(kind, pl.Datetime):
        stamp = pl.col(found)
        if kind.time_zone is not None:
            stamp = stamp.dt.convert_time_zone(str(IST)).dt.replace_time_zone(None)
        return stamp.dt.cast_time_unit("us").alias("stamp")
    text = pl.col(found).cast(pl.String).str.replace("T", " ").str.head(16)
    return text.str.to_datetime("%Y-%m-%d %H:%M", strict=False).alias("stamp")


def _price(name: str) -> pl.Expr:
    rupees = pl.col(name).cast(pl.Float64, strict=False)
    return (rupees * PRICE_SCALE).round(0).cast(pl.Int64).alias(name)


def _whole(name: str, columns: Iterable[str], *, other: str = "") -> pl.Expr:
    found = next((column for column in (name, other) if column in columns), None)
    if found is None:
        return pl.lit(None, dtype=pl.Int64).alias(name)
    return pl.col(found).cast(pl.Float64, strict=False).cast(pl.Int64).alias(name)


def _spelled(name: str) -> str:
    """`NIFTY` -> `NSE:NIFTY 50`; what is not an index is taken for a share on NSE."""
    try:
        return str(InstrumentRef.parse(name))
    except InstrumentUnknownError:
        return f"NSE:{name.upper()}"
