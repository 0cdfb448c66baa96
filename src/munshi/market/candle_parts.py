"""A series read some months at a time, so that a long range takes no more memory than its use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

import polars as pl

from munshi.clock import IST
from munshi.infrastructure.database.candle_repository import CandleFile

ROWS = 20_000
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsOfDays:
    """The bars of the days from `first` to `last`, IST, in order."""

    first: date
    last: date
    frame: pl.DataFrame


class Reading(Protocol):
    """Gives the bars of some files from `start` up to, not including, `end`."""

    def __call__(
        self, files: Sequence[CandleFile], /, *, start: datetime, end: datetime
    ) -> pl.DataFrame: ...


def in_parts(
    files: Sequence[CandleFile], read: Reading, *, first: date, last: date, rows: int = ROWS
) -> Iterator[BarsOfDays]:
    """Parts that together have each of the days once, read when they are asked for.

    `files` are months in order. A part has as many as hold `rows` bars or a little more.
    """
    parts: list[list[CandleFile]] = [[]]
    for file in files:
        if sum(each.rows for each in parts[-1]) >= rows:
            parts.append([])
        parts[-1].append(file)
    begins = [first, *(_first_day(part[0].month) for part in parts[1:]), last + _ONE_DAY]
    for part, begin, after in zip(parts, begins, begins[1:], strict=False):
        yield BarsOfDays(
            first=begin,
            last=after - _ONE_DAY,
            frame=read(part, start=_midnight(begin), end=_midnight(after)),
        )


def _first_day(month: str) -> date:
    return date(int(month[:4]), int(month[4:]), 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, IST)
