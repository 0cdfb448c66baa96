"""Rows into a Parquet file, some thousands at a time, and back."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

# How Polars tells the number of an error of the system: in its text alone.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_BATCH = 5_000
_ROW_GROUP = 50_000
_TYPES: dict[type, pl.DataType] = {
    int: pl.Int64(),
    str: pl.String(),
    datetime: pl.Datetime("us", time_zone="UTC"),
}


def write_parquet(path: Path, columns: dict[str, type], rows: Iterable[Sequence[object]]) -> None:
    """Write `rows` in the order of `columns`, whose types are int, str or datetime (UTC).

    No more than some row groups are held at a time, however many rows there are. Raises OSError
    where the disk does not take them.
    """
    schema = {name: _TYPES[kind] for name, kind in columns.items()}
    waiting = iter(rows)
    batches = iter(lambda: list(islice(waiting, _BATCH)), [])
    _write(path, schema, (pl.DataFrame(each, schema=schema, orient="row") for each in batches))


def write_columns(
    path: Path, columns: dict[str, type], batches: Iterable[Mapping[str, Sequence[int]]]
) -> None:
    """As `write_parquet`, of `batches` of whole numbers; instants are microseconds since 1970."""
    schema = {name: _TYPES[kind] for name, kind in columns.items()}
    _write(path, schema, (pl.DataFrame(each, schema=schema) for each in batches))


def _write(path: Path, schema: dict[str, pl.DataType], frames: Iterator[pl.DataFrame]) -> None:
    def given(
        _columns: list[str] | None,
        _predicate: pl.Expr | None,
        _most: int | None,
        _size: int | None,
    ) -> Iterator[pl.DataFrame]:
        return frames

    frame = register_io_source(given, schema=schema)
    try:
        frame.sink_parquet(path, compression="zstd", row_group_size=_ROW_GROUP, maintain_order=True)
    except pl.exceptions.PolarsError as error:
        if (told := _OS_ERROR.search(str(error))) is None:
            raise
        number = int(told.group(1))
        raise OSError(number, os.strerror(number), str(path)) from error


def read_parquet(data: bytes, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The `columns` of what `write_parquet` wrote, row by row; all of it is held."""
    return pl.read_parquet(BytesIO(data), columns=list(columns)).select(columns).rows()


def read_columns(data: bytes, columns: Sequence[str]) -> Iterator[tuple[list[int], ...]]:
    """The `columns` of what `write_columns` wrote, as it takes them: many rows at a time."""
    frame = pl.read_parquet(BytesIO(data), columns=list(columns)).select(columns)
    for part in frame.iter_slices(_ROW_GROUP):
        yield tuple(column.to_physical().to_list() for column in part)
