"""The trading days of a series: how many bars are held, and why any are missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from munshi.clock import IST, Clock
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import CandleGap, MissingReason, SeenGap, SeriesGaps
from munshi.errors import CandleFilesConflictError
from munshi.infrastructure.database.engine import Database
from munshi.market.candles import CandleService
from munshi.market.quality import DayCoverage, Quality, Reason, coverage

_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDay:
    """One trading day of a series. `seen` is None where the broker was never asked in vain.

    `reason` is None where nothing is missing, and where bars are and nobody has asked for them.
    """

    day: date
    expected: int
    present: int
    reason: MissingReason | None
    seen: SeenGap | None

    @property
    def is_complete(self) -> bool:
        return self.present >= self.expected


class GapService:
    """Notes what is missing, and tells it beside what is held."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        candles: CandleService,
        calendar: Callable[[], MarketCalendar],
    ) -> None:
        self._database = database
        self._clock = clock
        self._candles = candles
        self._calendar = calendar

    def days(
        self,
        key: CandleKey,
        *,
        segment: Segment,
        start: date,
        end: date,
        expires: bool = False,
    ) -> tuple[HeldDay, ...]:
        """Every trading day from `start` to `end` with bars closed by now, both included.

        Holidays are not listed. Where `expires`, days for which the broker had nothing and that
        come before the first bar of all that is held are told as not yet traded. Raises
        CalendarYearUnknownError, DateRangeInvalidError.
        """
        held = self._coverage(key, segment=segment, start=start, end=end)
        return self.explain(key, held, start=start, end=end, expires=expires)

    def explain(
        self,
        key: CandleKey,
        held: Sequence[DayCoverage],
        *,
        start: date,
        end: date,
        expires: bool = False,
    ) -> tuple[HeldDay, ...]:
        """As `days`, of what is known to be held from `start` to `end`."""
        with self._database.reading() as tx:
            seen = {one.gap.day: one for one in tx.gaps.list_days(key, first=start, last=end)}
            first_open = tx.candles.get_first_open(key) if expires and seen else None
        first_day = None if first_open is None else first_open.astimezone(IST).date()
        return tuple(_held_day(day, seen.get(day.day), first_day) for day in held)

    def worst(self, mode: str, *, since: date, limit: int = 20) -> tuple[SeriesGaps, ...]:
        """Series that lack bars of days since `since`, those of most days first."""
        with self._database.reading() as tx:
            return tuple(tx.gaps.list_series(mode, since=since, limit=limit))

    def noted_days(self, key: CandleKey) -> tuple[date, ...]:
        """Every day that is noted as missing, in order."""
        with self._database.reading() as tx:
            seen = tx.gaps.list_days(key, first=date.min, last=date.max)
        return tuple(one.gap.day for one in seen)

    def note_answer(
        self,
        key: CandleKey,
        judged: Quality,
        *,
        segment: Segment,
        first: date,
        last: date,
        job_id: UUID | None,
    ) -> None:
        """Note what is still missing of whole days that a broker was asked for and answered.

        Call it when the accepted bars are stored. Days that are complete lose their note.
        """
        refused: dict[date, list[str]] = {}
        for refusal in judged.refusals:
            if refusal.reason is not Reason.FORMING:
                for day in refusal.days:
                    refused.setdefault(day, []).append(refusal.reason.value)
        gaps = [
            CandleGap(
                day=day.day,
                reason=_reason(day, refused=day.day in refused),
                expected=day.expected,
                present=day.present,
                detail="; ".join(refused[day.day]) if day.day in refused else None,
            )
            for day in self._coverage(key, segment=segment, start=first, end=last)
            if day.present < day.expected
        ]
        self._replace(key, gaps, first=first, last=last, job_id=job_id)

    def note_failure(
        self,
        key: CandleKey,
        reason: MissingReason,
        detail: str,
        *,
        segment: Segment,
        first: date,
        last: date,
        job_id: UUID | None,
    ) -> None:
        """Note that whole days could not be asked for; what is held of them counts."""
        gaps = [
            CandleGap(
                day=day.day,
                reason=reason,
                expected=day.expected,
                present=day.present,
                detail=detail,
            )
            for day in self._coverage(key, segment=segment, start=first, end=last)
            if day.present < day.expected
        ]
        self._replace(key, gaps, first=first, last=last, job_id=job_id)

    def _replace(
        self,
        key: CandleKey,
        gaps: Sequence[CandleGap],
        *,
        first: date,
        last: date,
        job_id: UUID | None,
    ) -> None:
        for left in reversed(range(_TRIES)):
            try:
                with self._database.transaction() as tx:
                    tx.gaps.replace_days(
                        key, gaps, first=first, last=last, job_id=job_id, now=self._clock.now()
                    )
            except CandleFilesConflictError:
                if not left:
                    raise
            else:
                return

    def _coverage(
        self, key: CandleKey, *, segment: Segment, start: date, end: date
    ) -> tuple[DayCoverage, ...]:
        frame = self._candles.read_intact(
            key, start=_midnight(start), end=_midnight(end + timedelta(days=1))
        )
        return coverage(
            frame,
            start=start,
            end=end,
            interval=key.interval,
            segment=segment,
            calendar=self._calendar(),
            now=self._clock.now(),
        ).days


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=IST).astimezone(UTC)


def _reason(day: DayCoverage, *, refused: bool) -> MissingReason:
    if refused:
        return MissingReason.REFUSED
    return MissingReason.PARTIAL if day.present else MissingReason.NOTHING_RETURNED


def _held_day(day: DayCoverage, seen: SeenGap | None, first_day: date | None) -> HeldDay:
    missing = day.present < day.expected
    reason = seen.gap.reason if seen is not None and missing else None
    if reason is MissingReason.NOTHING_RETURNED and first_day is not None and day.day < first_day:
        reason = MissingReason.NOT_YET_TRADED
    return HeldDay(
        day=day.day,
        expected=day.expected,
        present=day.present,
        reason=reason,
        seen=seen if missing else None,
    )
