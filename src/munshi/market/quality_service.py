"""Judges what is held: what should be there, what is, why the rest is not, and what is wrong."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from munshi.clock import IST, Clock, today_ist
from munshi.domain.job_params import QualityParams
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.data_quality import (
    Finding,
    Flaw,
    MonthQuality,
    SeriesQuality,
)
from munshi.domain.market.instruments import InstrumentKind, InstrumentRef
from munshi.errors import DateRangeInvalidError, InstrumentUnknownError
from munshi.infrastructure.candles.frames import empty_frame
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_months import CandleMonths, StoredMonth, month_ends, months_between
from munshi.market.candles import IMPORTED, CandleService
from munshi.market.comparing import Tolerance, compare_days
from munshi.market.flaws import flaws_alone, outliers, volume_flaws
from munshi.market.gaps import GapService
from munshi.market.instruments import InstrumentService
from munshi.market.quality import Quality, coverage, validate
from munshi.market.quality_days import count_days, missing_stretches
from munshi.market.quality_document import quality_document
from munshi.market.session_bars import ist_day
from munshi.settings import BrokerMode

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """What is known of a series before its bars are read."""

    key: CandleKey
    label: str
    segment: Segment
    first: date
    last: date
    expires: bool
    is_option: bool
    others: tuple[CandleKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    stored: StoredMonth
    quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """The sound bars of the months before and after, and the same month from other sources."""

    before: pl.DataFrame
    after: pl.DataFrame
    others: tuple[tuple[str, pl.DataFrame], ...]


class QualityService:
    """Reads only. Months are read one after another, so memory does not grow with the range."""

    def __init__(
        self,
        clock: Clock,
        *,
        mode: BrokerMode,
        candles: CandleService,
        months: CandleMonths,
        gaps: GapService,
        instruments: InstrumentService,
        calendar: CalendarService,
    ) -> None:
        self._clock = clock
        self._mode = mode
        self._candles = candles
        self._months = months
        self._gaps = gaps
        self._instruments = instruments
        self._calendar = calendar

    def report(self, params: QualityParams, *, progress: Progress) -> dict[str, Any]:
        """What `judge` finds, as the document of `quality_document`. Raises as `judge`."""
        series = self.judge(params, progress=progress)
        return quality_document(series, mode=self._mode, made_at=self._clock.now())

    def judge(self, params: QualityParams, *, progress: Progress) -> tuple[SeriesQuality, ...]:
        """Every series that `params` chooses, by instrument, interval and source.

        Where no days are named, a series is judged from its first day, held or noted as missing,
        to its last. A contract ends with its expiry. Raises InstrumentUnknownError for an
        instrument of which nothing is held, DateRangeInvalidError, CalendarYearUnknownError.
        """
        chosen = self._choose(params)
        calendar = self._calendar.calendar()
        found: list[SeriesQuality] = []
        for done, series in enumerate(chosen):
            months: list[MonthQuality] = []
            wanted = len(list(months_between(series.first, series.last)))
            for month in self._judge_months(series, calendar):
                months.append(month)
                part = len(months) / wanted
                progress(
                    100 * (done + part) / len(chosen),
                    f"{_name(series.key)} {series.key.interval} {series.key.source}, {month.month}",
                )
            found.append(
                SeriesQuality(
                    key=series.key,
                    label=series.label,
                    first=series.first,
                    last=series.last,
                    months=tuple(months),
                )
            )
        return tuple(found)

    def _choose(self, params: QualityParams) -> list[_Series]:
        refs = [InstrumentRef.parse(name) for name in params.instruments]
        held = self._candles.coverage()
        for ref in refs:
            if not any(_is_of(one.key, ref) and _fits(one.key, params) for one in held):
                raise _nothing_held(ref, params)
        chosen = [
            one
            for one in held
            if _fits(one.key, params) and (not refs or any(_is_of(one.key, ref) for ref in refs))
        ]
        series = [self._series(one, held, params) for one in chosen]
        judged = [one for one in series if one.first <= one.last]
        if chosen and not judged and (params.start or params.end):
            raise DateRangeInvalidError(
                "None of what is held can have bars in these days.",
                hint="See what is held: munshi data coverage",
            )
        return judged

    def _series(
        self, summary: SeriesSummary, held: Sequence[SeriesSummary], params: QualityParams
    ) -> _Series:
        key = summary.key
        ref = InstrumentRef(key.exchange, key.instrument)
        try:
            instrument = self._instruments.find(ref)
        except InstrumentUnknownError:
            instrument = None
        kind = None if instrument is None else instrument.kind
        expiry = None if instrument is None else instrument.expiry
        noted = self._gaps.noted_days(key)
        first = summary.first_open.astimezone(IST).date()
        last = summary.last_open.astimezone(IST).date()
        first = params.start or min([first, *noted[:1]])
        last = params.end or max([last, *noted[-1:]])
        return _Series(
            key=key,
            label=summary.label,
            segment=self._instruments.segment(ref),
            first=first,
            last=min(last, expiry or last),
            expires=expiry is not None or ref.exchange in {"NFO", "BFO"},
            is_option=kind in {InstrumentKind.CALL, InstrumentKind.PUT},
            others=tuple(
                other.key
                for other in held
                if _is_of(other.key, ref)
                and (other.key.interval, other.key.mode) == (key.interval, key.mode)
                and other.key.source != key.source
            ),
        )

    def _judge_months(self, series: _Series, calendar: MarketCalendar) -> Iterator[MonthQuality]:
        """One month behind what is read, because outliers are told by what comes after."""
        others = [
            (other.source, self._months.read(other, first=series.first, last=series.last))
            for other in series.others
        ]

        def around(before: pl.DataFrame, after: pl.DataFrame) -> _Around:
            beside = tuple((name, _between(next(months).frame, series)) for name, months in others)
            return _Around(before=before, after=after, others=beside)

        before, current = empty_frame(), None
        for stored in self._months.read(series.key, first=series.first, last=series.last):
            ahead = _Judged(stored=stored, quality=self._validate(stored, series, calendar))
            if current is not None:
                beside = around(before, ahead.quality.accepted)
                yield self._judge_month(series, current, beside, calendar)
                before = current.quality.accepted
            current = ahead
        if current is not None:
            beside = around(before, empty_frame())
            yield self._judge_month(series, current, beside, calendar)

    def _validate(self, stored: StoredMonth, series: _Series, calendar: MarketCalendar) -> Quality:
        return validate(
            _between(stored.frame, series),
            interval=series.key.interval,
            segment=series.segment,
            calendar=calendar,
            now=self._clock.now(),
        )

    def _judge_month(
        self, series: _Series, judged: _Judged, around: _Around, calendar: MarketCalendar
    ) -> MonthQuality:
        month = judged.stored.month
        first, last = _days_of(month, series)
        held = coverage(
            judged.stored.frame,
            start=first,
            end=last,
            interval=series.key.interval,
            segment=series.segment,
            calendar=calendar,
            now=self._clock.now(),
        )
        explained = self._gaps.explain(
            series.key, held.days, start=first, end=last, expires=series.expires
        )
        counts = count_days(first, last, explained, calendar, today=today_ist(self._clock))
        bars = judged.quality.accepted
        findings = [
            *_damage(judged.stored, held.days[0].day if held.days else first),
            *flaws_alone(_between(judged.stored.frame, series), judged.quality),
            *outliers(
                bars,
                before=around.before,
                after=around.after,
                interval=series.key.interval,
                is_option=series.is_option,
            ),
            *volume_flaws(bars, series.key.interval),
        ]
        for source, other in around.others:
            findings += _disagreement(bars, other, source)
        return MonthQuality(
            month=f"{month[:4]}-{month[4:]}",
            first_day=explained[0].day if explained else None,
            last_day=explained[-1].day if explained else None,
            expected=held.expected,
            present=held.present,
            days=counts,
            missing=tuple(
                missing_stretches(
                    explained,
                    is_readable=judged.stored.is_readable,
                    is_imported=series.key.source == IMPORTED,
                )
            ),
            findings=tuple(findings),
        )


def _damage(stored: StoredMonth, day: date) -> Iterator[Finding]:
    if stored.damage is not None:
        yield Finding(
            flaw=Flaw.FILE_DAMAGED, bars=stored.frame.height, days=(day,), detail=stored.damage
        )


def _disagreement(bars: pl.DataFrame, other: pl.DataFrame, source: str) -> Iterator[Finding]:
    """Where both have a bar; what only one has is told as missing."""
    alone = other.unique("opens", keep="first", maintain_order=True)
    days = [day for day in compare_days(bars, alone, tolerance=Tolerance()) if day.bars_differ]
    if days:
        worst = max(days, key=lambda day: day.farthest)
        yield Finding(
            flaw=Flaw.SOURCES_DISAGREE,
            bars=sum(day.bars_differ for day in days),
            days=tuple(day.day for day in days),
            examples=() if worst.farthest_at is None else (worst.farthest_at,),
            detail=f"other than {source}",
        )


def _between(frame: pl.DataFrame, series: _Series) -> pl.DataFrame:
    """The rows of the days that were asked for, and those without a time, in their order."""
    day = ist_day(pl.col("opens"))
    return frame.filter(day.is_between(series.first, series.last) | pl.col("opens").is_null())


def _days_of(month: str, series: _Series) -> tuple[date, date]:
    first, last = month_ends(month)
    return max(first, series.first), min(last, series.last)


def _is_of(key: CandleKey, ref: InstrumentRef) -> bool:
    return (key.exchange, key.instrument) == (ref.exchange, ref.tradingsymbol)


def _fits(key: CandleKey, params: QualityParams) -> bool:
    return params.interval in (None, key.interval) and params.source in (None, key.source)


def _nothing_held(ref: InstrumentRef, params: QualityParams) -> InstrumentUnknownError:
    what = f"{params.interval} bars" if params.interval else "bars"
    whose = f" from {params.source}" if params.source else ""
    return InstrumentUnknownError(
        f"No {what} of {ref}{whose} are held.",
        hint=f'Collect them: munshi data collect "{ref}"',
    )


def _name(key: CandleKey) -> str:
    return f"{key.exchange}:{key.instrument}"
