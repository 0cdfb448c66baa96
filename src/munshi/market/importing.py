"""Taking people's own candle files into the books: judged, stored, and longer bars derived."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path

import polars as pl

from munshi.clock import IST, Clock
from munshi.domain.audit import Actor
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import CandleFileInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_import import ImportedRows, ImportedSeries, read_candle_file
from munshi.market.candles import IMPORTED, CandleService, Stored
from munshi.market.import_report import ImportReport, SeriesReport
from munshi.market.instruments import InstrumentService
from munshi.market.quality import Coverage, Quality, coverage, validate
from munshi.market.resample import resample
from munshi.settings import BrokerMode

Progress = Callable[[float, str], None]
DERIVED = (Interval.FIVE_MINUTES, Interval.ONE_HOUR, Interval.ONE_DAY)
_LONGEST_LABEL = 100
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One instrument's rows, sorted into those that can be stored and those that cannot."""

    ref: InstrumentRef
    segment: Segment
    interval: Interval
    rows: int
    quality: Quality

    @property
    def key(self) -> CandleKey:
        """Imported prices are real ones, whatever brokers the desk talks to."""
        return CandleKey(
            mode=BrokerMode.LIVE,
            source=IMPORTED,
            exchange=self.ref.exchange,
            instrument=self.ref.tradingsymbol,
            interval=self.interval,
        )


class ImportService:
    """Nothing is stored unless the whole file can be read; what is refused is reported."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        instruments: InstrumentService,
        candles: CandleService,
        calendar: CalendarService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._instruments = instruments
        self._candles = candles
        self._calendar = calendar

    def import_file(
        self,
        path: Path,
        *,
        instrument: str | None = None,
        interval: Interval | None = None,
        progress: Progress,
        actor: Actor,
    ) -> ImportReport:
        """Store the candles of a CSV or Parquet file, and the longer bars its minutes make up.

        `instrument` names the one of a file that does not. Importing a file again changes
        nothing. Raises CandleFileInvalidError naming line and column, InstrumentUnknownError,
        CalendarYearUnknownError; then nothing is stored.
        """
        progress(0, f"Reading {path.name}")
        read = read_candle_file(path, interval=interval)
        if instrument is not None and len(read.series) > 1:
            raise CandleFileInvalidError(
                f"{path.name} holds {len(read.series)} instruments, so none can be named for it.",
                hint="Leave out --instrument, or split the file.",
            )
        calendar = self._calendar.calendar()
        judged = [self._judge(one, instrument, path, calendar) for one in read.series]
        self._record(path, judged, actor=actor)
        label = _label(path)
        reports = []
        for done, one in enumerate(judged):
            progress(10 + 90 * done / len(judged), f"Storing {one.ref}")
            reports.append(self._store(one, calendar, label=label))
        progress(100, f"Imported {path.name}")
        return _report(path, read, label=label, series=reports)

    def _judge(
        self,
        series: ImportedSeries,
        instrument: str | None,
        path: Path,
        calendar: MarketCalendar,
    ) -> _Judged:
        name = instrument or series.instrument
        if name is None:
            raise CandleFileInvalidError(
                f"{path.name} does not say which instrument it holds.",
                hint="Say so: --instrument NSE:RELIANCE",
            )
        ref = InstrumentRef.parse(name)
        segment = self._instruments.segment(ref)
        quality = validate(
            series.frame,
            interval=series.interval,
            segment=segment,
            calendar=calendar,
            now=self._clock.now(),
        )
        return _Judged(
            ref=ref,
            segment=segment,
            interval=series.interval,
            rows=series.frame.height,
            quality=quality,
        )

    def _record(self, path: Path, judged: list[_Judged], *, actor: Actor) -> None:
        """The decision to import, with what the file was, before anything is stored."""
        details = {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "rows": sum(one.rows for one in judged),
            "rows_accepted": sum(one.quality.accepted.height for one in judged),
            "instruments": ", ".join(str(one.ref) for one in judged[:20]),
        }
        with self._database.transaction() as tx:
            tx.audit.log(
                "candles",
                "import",
                entity_id=path.name[:_LONGEST_LABEL],
                details=details,
                actor=actor,
                now=self._clock.now(),
            )

    def _store(self, judged: _Judged, calendar: MarketCalendar, *, label: str) -> SeriesReport:
        bars = judged.quality.accepted
        stored = {judged.interval: self._candles.save(judged.key, bars, label=label)}
        if judged.interval is Interval.ONE_MINUTE and not bars.is_empty():
            stored |= self._derive(judged, calendar, label=label)
        return SeriesReport(
            instrument=judged.ref,
            interval=judged.interval,
            rows=judged.rows,
            quality=judged.quality,
            coverage=self._coverage(judged, calendar),
            stored=stored,
        )

    def _derive(
        self, judged: _Judged, calendar: MarketCalendar, *, label: str
    ) -> dict[Interval, Stored]:
        """From all minutes held of the days touched, so that halves of a day make one bar."""
        first, last = _days(judged.quality.accepted)
        minutes = self._candles.read(judged.key, start=first, end=last + _ONE_DAY)
        stored = {}
        for interval in DERIVED:
            bars = resample(
                minutes,
                interval=interval,
                segment=judged.segment,
                calendar=calendar,
                now=self._clock.now(),
            )
            key = replace(judged.key, interval=interval)
            stored[interval] = self._candles.save(key, bars, label=label)
        return stored

    def _coverage(self, judged: _Judged, calendar: MarketCalendar) -> Coverage | None:
        bars = judged.quality.accepted
        if bars.is_empty():
            return None
        first, last = _days(bars)
        return coverage(
            bars,
            start=first.date(),
            end=last.date(),
            interval=judged.interval,
            segment=judged.segment,
            calendar=calendar,
            now=self._clock.now(),
        )


def _days(bars: pl.DataFrame) -> tuple[datetime, datetime]:
    """Midnight in India of the first and the last day."""
    first, last = bars["opens"][0].astimezone(IST), bars["opens"][-1].astimezone(IST)
    return (
        datetime.combine(first.date(), time(0), tzinfo=IST),
        datetime.combine(last.date(), time(0), tzinfo=IST),
    )


def _label(path: Path) -> str:
    """What the prices are called wherever they are shown; the column holds 100 characters."""
    prefix = "imported from "
    return prefix + path.name[-(_LONGEST_LABEL - len(prefix)) :]


def _report(
    path: Path, read: ImportedRows, *, label: str, series: list[SeriesReport]
) -> ImportReport:
    return ImportReport(
        file=path.name,
        label=label,
        rows=read.rows,
        rounded=read.rounded,
        ignored_columns=read.ignored_columns,
        series=tuple(series),
    )
