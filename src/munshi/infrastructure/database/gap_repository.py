"""SQL for CandleGaps: what is known of missing bars, a row a day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import CandleGap, MissingReason, SeenGap, SeriesGaps
from munshi.errors import CandleFilesConflictError
from munshi.infrastructure.database.models import candle_gaps

_rows = candle_gaps.c
_range = (
    _rows.mode == bindparam("of_mode"),
    _rows.source == bindparam("of_source"),
    _rows.exchange == bindparam("of_exchange"),
    _rows.instrument == bindparam("of_instrument"),
    _rows.interval == bindparam("of_interval"),
    _rows.day >= bindparam("first_day"),
    _rows.day <= bindparam("last_day"),
)
_LIST = select(candle_gaps).where(*_range).order_by(_rows.day)
# What nobody can mend is no gap: the instrument was not traded yet.
_BY_SERIES = (
    select(
        _rows.source,
        _rows.exchange,
        _rows.instrument,
        _rows.interval,
        func.count().label("days"),
        func.max(_rows.day).label("newest"),
    )
    .where(
        _rows.mode == bindparam("of_mode"),
        _rows.day >= bindparam("first_day"),
        _rows.reason != MissingReason.NOT_YET_TRADED.value,
    )
    .group_by(_rows.source, _rows.exchange, _rows.instrument, _rows.interval)
    .order_by(func.count().desc(), _rows.exchange, _rows.instrument, _rows.interval)
    .limit(bindparam("most"))
)
_DELETE = delete(candle_gaps).where(*_range)
_INSERT = insert(candle_gaps)


class GapRepository:
    """The days of a series of which bars are missing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_days(self, key: CandleKey, *, first: date, last: date) -> list[SeenGap]:
        """The gaps from `first` to `last`, both included, by day."""
        chosen = _chosen(key, first, last)
        return [_seen(row) for row in self._connection.execute(_LIST, chosen)]

    def list_series(self, mode: str, *, since: date, limit: int) -> list[SeriesGaps]:
        """Series with days since `since` of which bars are missing, the worst first."""
        chosen = {"of_mode": mode, "first_day": since, "most": limit}
        return [
            SeriesGaps(
                source=row.source,
                exchange=row.exchange,
                instrument=row.instrument,
                interval=row.interval,
                days=row.days,
                newest=row.newest,
            )
            for row in self._connection.execute(_BY_SERIES, chosen)
        ]

    def replace_days(
        self,
        key: CandleKey,
        gaps: Sequence[CandleGap],
        *,
        first: date,
        last: date,
        job_id: UUID | None,
        now: datetime,
    ) -> None:
        """Let `gaps` be all that is missing from `first` to `last`; days not named have none.

        A day that was missing before keeps its `first_seen`. Raises CandleFilesConflictError if
        another writer noted one of the days in the same moment.
        """
        since = {
            seen.gap.day: seen.first_seen for seen in self.list_days(key, first=first, last=last)
        }
        if since:
            self._connection.execute(_DELETE, _chosen(key, first, last))
        if not gaps:
            return
        try:
            self._connection.execute(
                _INSERT,
                [
                    {
                        **_named(key),
                        "day": gap.day,
                        "reason": gap.reason.value,
                        "expected": gap.expected,
                        "present": gap.present,
                        "detail": gap.detail,
                        "first_seen": since.get(gap.day, now),
                        "last_seen": now,
                        "job_id": job_id,
                    }
                    for gap in gaps
                ],
            )
        except IntegrityError:
            raise CandleFilesConflictError(
                f"Another writer noted gaps of {key.exchange}:{key.instrument} {key.interval} "
                f"between {first} and {last} first."
            ) from None


def _named(key: CandleKey, prefix: str = "") -> Mapping[str, Any]:
    return {
        f"{prefix}mode": key.mode,
        f"{prefix}source": key.source,
        f"{prefix}exchange": key.exchange,
        f"{prefix}instrument": key.instrument,
        f"{prefix}interval": key.interval,
    }


def _chosen(key: CandleKey, first: date, last: date) -> Mapping[str, Any]:
    return {**_named(key, "of_"), "first_day": first, "last_day": last}


def _seen(row: Row[Any]) -> SeenGap:
    return SeenGap(
        gap=CandleGap(
            day=row.day,
            reason=MissingReason(row.reason),
            expected=row.expected,
            present=row.present,
            detail=row.detail,
        ),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        job_id=row.job_id,
    )
