"""The stored months of a series, one at a time, as they are on disk."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from munshi.domain.market.candle_files import CandleKey
from munshi.errors import CandleFileDamagedError
from munshi.infrastructure.candles.frames import empty_frame
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database.candle_repository import CandleFile
from munshi.infrastructure.database.engine import Database

_DECEMBER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMonth:
    """One month (`202403`) of a series: all its rows in the order of the file.

    `damage` says what is wrong with the file; where `is_readable` is not set it has no rows.
    """

    month: str
    frame: pl.DataFrame
    damage: str | None = None
    is_readable: bool = True


class CandleMonths:
    """Reads month by month, so that a long range takes no more memory than a short one."""

    def __init__(self, database: Database, store: CandleStore) -> None:
        self._database = database
        self._store = store

    def read(self, key: CandleKey, *, first: date, last: date) -> Iterator[StoredMonth]:
        """Every month from `first` to `last`, also those of which nothing is held."""
        start, end = f"{first:%Y%m}", f"{last:%Y%m}"
        with self._database.reading() as tx:
            files = {
                file.month: file
                for file in tx.candles.list_files(key, from_month=start, to_month=end)
            }
        for month in months_between(first, last):
            file = files.get(month)
            if file is None:
                yield StoredMonth(month=month, frame=empty_frame())
            else:
                yield self._load(file)

    def _load(self, file: CandleFile) -> StoredMonth:
        damage = None
        try:
            self._store.verify(file.path, sha256=file.sha256)
        except CandleFileDamagedError as error:
            damage = error.detail
        try:
            return StoredMonth(month=file.month, frame=self._store.load(file.path), damage=damage)
        except CandleFileDamagedError as error:
            return StoredMonth(
                month=file.month, frame=empty_frame(), damage=error.detail, is_readable=False
            )


def month_ends(month: str) -> tuple[date, date]:
    """The first and the last day of `202403`."""
    year, number = int(month[:4]), int(month[4:])
    return date(year, number, 1), date(year, number, monthrange(year, number)[1])


def months_between(first: date, last: date) -> Iterator[str]:
    """`202403`, `202404`, … with those of both days."""
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{year}{month:02d}"
        year, month = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
