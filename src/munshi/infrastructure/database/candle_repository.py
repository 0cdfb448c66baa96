"""SQL for CandleFiles: which file holds a month. Readers see what is current, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.market.candle_files import CandleKey, WrittenFile, day_bars_text
from munshi.domain.market.intervals import Interval
from munshi.errors import CandleFilesConflictError
from munshi.infrastructure.database.models import candle_files
from munshi.settings import BrokerMode

_rows = candle_files.c
_series = (
    _rows.mode == bindparam("of_mode"),
    _rows.source == bindparam("of_source"),
    _rows.exchange == bindparam("of_exchange"),
    _rows.instrument == bindparam("of_instrument"),
    _rows.interval == bindparam("of_interval"),
)
_LIST = (
    select(candle_files)
    .where(
        *_series,
        _rows.is_current,
        _rows.month >= bindparam("from_month"),
        _rows.month <= bindparam("to_month"),
    )
    .order_by(_rows.month)
)
_MONTHS = (
    select(_rows.instrument, _rows.month, _rows.path, _rows.bytes, _rows.day_bars)
    .where(
        _rows.mode == bindparam("of_mode"),
        _rows.source == bindparam("of_source"),
        _rows.exchange == bindparam("of_exchange"),
        _rows.instrument.in_(bindparam("of_instruments", expanding=True)),
        _rows.interval == bindparam("of_interval"),
        _rows.is_current,
        _rows.month >= bindparam("from_month"),
        _rows.month <= bindparam("to_month"),
    )
    .order_by(_rows.instrument, _rows.month)
)
_SUMMARY = (
    select(
        _rows.mode,
        _rows.source,
        _rows.exchange,
        _rows.instrument,
        _rows.interval,
        func.min(_rows.first_open).label("first_open"),
        func.max(_rows.last_open).label("last_open"),
        func.sum(_rows.rows).label("rows"),
        func.sum(_rows.bytes).label("bytes"),
        func.count().label("files"),
        func.max(_rows.fetched_at).label("fetched_at"),
        func.max(_rows.label).label("label"),
    )
    .where(_rows.is_current)
    .group_by(_rows.mode, _rows.source, _rows.exchange, _rows.instrument, _rows.interval)
    .order_by(_rows.exchange, _rows.instrument, _rows.interval, _rows.source, _rows.mode)
)
_LIST_ALL = (
    select(candle_files)
    .where(_rows.is_current)
    .order_by(
        _rows.exchange, _rows.instrument, _rows.interval, _rows.source, _rows.mode, _rows.month
    )
)
_FIRST_OPEN = select(func.min(_rows.first_open)).where(*_series, _rows.is_current)
_PATHS = select(_rows.path).where(_rows.is_current)
_RETIRE = (
    update(candle_files)
    .where(_rows.file_id == bindparam("row"), _rows.is_current)
    .values(is_current=False)
)
_INSERT = insert(candle_files)
# Fewer than the parameters that any database takes in one statement.
_NAMES = 500
FIRST_MONTH, LAST_MONTH = "000000", "999999"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleFile:
    """One current row of the manifest."""

    file_id: UUID
    key: CandleKey
    month: str
    path: str
    sha256: str
    rows: int
    bytes: int
    label: str


class HeldMonth(NamedTuple):
    """What the manifest says of one month of a series; no `day_bars` in rows of old."""

    instrument: str
    month: str
    path: str
    bytes: int
    day_bars: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSummary:
    """What one series holds. `label` says where its prices come from."""

    key: CandleKey
    first_open: datetime
    last_open: datetime
    rows: int
    bytes: int
    files: int
    fetched_at: datetime
    label: str


class CandleRepository:
    """The manifest of candle files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_files(
        self, key: CandleKey, *, from_month: str = FIRST_MONTH, to_month: str = LAST_MONTH
    ) -> list[CandleFile]:
        """The current files of a series by month (`yyyymm`), both ends included."""
        chosen = {**_named(key, "of_"), "from_month": from_month, "to_month": to_month}
        return [_file(row) for row in self._connection.execute(_LIST, chosen)]

    def list_months(
        self, like: CandleKey, instruments: Sequence[str], *, from_month: str, to_month: str
    ) -> list[HeldMonth]:
        """The months of many instruments that are otherwise `like` one series."""
        found: list[HeldMonth] = []
        named = _named(like, "of_") | {"from_month": from_month, "to_month": to_month}
        del named["of_instrument"]
        for start in range(0, len(instruments), _NAMES):
            chosen = {**named, "of_instruments": list(instruments[start : start + _NAMES])}
            found += [HeldMonth(*row) for row in self._connection.execute(_MONTHS, chosen)]
        return found

    def list_all_files(self) -> list[CandleFile]:
        """The current files of every series."""
        return [_file(row) for row in self._connection.execute(_LIST_ALL)]

    def list_series(self) -> list[SeriesSummary]:
        """Every series that holds anything."""
        return [_summary(row) for row in self._connection.execute(_SUMMARY)]

    def get_first_open(self, key: CandleKey) -> datetime | None:
        """The stamp of the first bar that is held of a series."""
        first: datetime | None = self._connection.execute(_FIRST_OPEN, _named(key, "of_")).scalar()
        return first

    def list_paths(self) -> set[str]:
        """Every file that is current."""
        return set(self._connection.execute(_PATHS).scalars())

    def save_file(
        self,
        key: CandleKey,
        month: str,
        written: WrittenFile,
        *,
        label: str,
        replaces: UUID | None,
        now: datetime,
        day_bars: Mapping[date, int] | None = None,
    ) -> None:
        """Make `written` the month's current file, in place of `replaces`.

        Without `day_bars` whoever plans has to open the file.

        Raises CandleFilesConflictError if another writer replaced that one first.
        """
        if replaces is not None:
            retired = self._connection.execute(_RETIRE, {"row": replaces}).rowcount
            if retired != 1:
                raise _conflict(key, month)
        row = {
            **_named(key, ""),
            "file_id": uuid4(),
            "month": month,
            "path": written.path,
            "sha256": written.sha256,
            "rows": written.rows,
            "bytes": written.bytes,
            "first_open": written.first_open,
            "last_open": written.last_open,
            "label": label,
            "fetched_at": now,
            "replaces": replaces,
            "is_current": True,
            "day_bars": None if day_bars is None else day_bars_text(day_bars),
        }
        try:
            self._connection.execute(_INSERT, row)
        except IntegrityError:
            raise _conflict(key, month) from None


def _named(key: CandleKey, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}mode": key.mode,
        f"{prefix}source": key.source,
        f"{prefix}exchange": key.exchange,
        f"{prefix}instrument": key.instrument,
        f"{prefix}interval": key.interval,
    }


def _key(row: Row[Any]) -> CandleKey:
    return CandleKey(
        mode=BrokerMode(row.mode),
        source=row.source,
        exchange=row.exchange,
        instrument=row.instrument,
        interval=Interval(row.interval),
    )


def _file(row: Row[Any]) -> CandleFile:
    return CandleFile(
        file_id=row.file_id,
        key=_key(row),
        month=row.month,
        path=row.path,
        sha256=row.sha256,
        rows=row.rows,
        bytes=row.bytes,
        label=row.label,
    )


def _summary(row: Row[Any]) -> SeriesSummary:
    return SeriesSummary(
        key=_key(row),
        first_open=row.first_open,
        last_open=row.last_open,
        rows=int(row.rows),
        bytes=int(row.bytes),
        files=row.files,
        fetched_at=row.fetched_at,
        label=row.label,
    )


def _conflict(key: CandleKey, month: str) -> CandleFilesConflictError:
    return CandleFilesConflictError(
        f"Another writer stored {key.exchange}:{key.instrument} {key.interval} of {month} first."
    )
