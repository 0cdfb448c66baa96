"""Collecting candles: what is missing is asked for, judged and stored, nothing is filled in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import polars as pl

from munshi.clock import IST, Clock, today_ist
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import MissingReason
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument
from munshi.errors import (
    AppError,
    BrokerThrottledError,
    DateRangeInvalidError,
    InstrumentNotServedError,
)
from munshi.infrastructure.candles.frames import to_frame
from munshi.jobs.run import running_job
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import NOTHING, CandleService, Stored
from munshi.market.expectations import Expectations
from munshi.market.gaps import GapService
from munshi.market.history import History, Reach, Window, cut
from munshi.market.instruments import InstrumentService
from munshi.market.patience import Patience
from munshi.market.quality import Coverage, compare, validate
from munshi.settings import BrokerMode

Progress = Callable[[float, str], None]
_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a broker's bars come from: `source` keeps series apart, `label` is shown."""

    source: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One request to make."""

    instrument: Instrument
    broker: Service
    key: CandleKey
    window: Window


@dataclass(slots=True)
class Tally:
    """What the run has done so far, for one instrument."""

    instrument: Instrument
    stored: Stored = NOTHING
    requests: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class CollectionService:
    """Plans, fetches, validates, stores. No transaction is open while a broker is asked."""

    def __init__(
        self,
        clock: Clock,
        *,
        mode: BrokerMode,
        provenance: Callable[[Service], Provenance],
        histories: Mapping[Service, History],
        instruments: InstrumentService,
        candles: CandleService,
        gaps: GapService,
        calendar: CalendarService,
    ) -> None:
        self._clock = clock
        self._patience = Patience(clock)
        self._mode = mode
        self._provenance = provenance
        self._histories = histories
        self._instruments = instruments
        self._candles = candles
        self._gaps = gaps
        self._calendar = calendar

    def collect(self, params: CollectionParams, *, progress: Progress) -> dict[str, Any]:
        """Bring the stored bars up to what `params` asks for; the report says what is missing.

        Calling it again once all is there asks the broker nothing and changes nothing. Raises
        what a broker's client raises; what was fetched until then is stored.
        """
        calendar = self._calendar.calendar()
        found = [self._find(name, params) for name in params.instruments]
        tallies = {instrument.ref: Tally(instrument) for instrument in found}
        expectations = Expectations(calendar, self._clock.now())
        tasks = [
            task
            for one in found
            for task in self._tasks(one, params, self._held(one, params, expectations), calendar)
        ]
        for done, task in enumerate(tasks):
            say = partial(progress, 100 * done / len(tasks))
            say(
                f"{task.instrument.ref} {task.window.first} to {task.window.last}, "
                f"request {done + 1} of {len(tasks)}"
            )
            candles = self._fetch_or_note(task, say)
            self._take(candles, task, tallies[task.instrument.ref], calendar)
        if tasks:
            self._candles.collect_garbage()
        progress(100, f"{len(tasks)} requests made." if tasks else "Nothing was missing.")
        return self._report(params, list(tallies.values()), calendar)

    def plan(self, params: CollectionParams) -> dict[str, Any]:
        """What `collect` would ask for now; no broker is asked and nothing is stored.

        Raises what `check` does, and CalendarYearUnknownError.
        """
        calendar = self._calendar.calendar()
        found = [self._find(name, params) for name in params.instruments]
        expectations = Expectations(calendar, self._clock.now())
        parts: list[dict[str, Any]] = []
        for instrument in found:
            held = self._held(instrument, params, expectations)
            tasks = self._tasks(instrument, params, held, calendar)
            parts.append(
                {
                    "instrument": str(instrument.ref),
                    "requests": len(tasks),
                    "bars_expected": held.expected,
                    "bars_present": held.present,
                    "days_wanted": sum(day.present < day.expected for day in held.days),
                    "days_held": sum(day.present >= day.expected for day in held.days),
                }
            )
        return {
            "mode": self._mode.value,
            "source": params.broker.value,
            "label": self._provenance(params.broker).label,
            "interval": params.interval.value,
            "from": params.start.isoformat(),
            "to": params.end.isoformat(),
            "requests": sum(part["requests"] for part in parts),
            "instruments": parts,
        }

    def fetch_again(self, params: CollectionParams, *, progress: Progress) -> pl.DataFrame:
        """All bars of the one instrument of `params`, held or not; nothing is stored.

        Raises what a broker's client raises, and what `check` does.
        """
        calendar = self._calendar.calendar()
        instrument = self._find(params.instruments[0], params)
        last = self._last_day(instrument, params)
        windows = cut(
            calendar.trading_days(params.start, last),
            reach=self._reach(instrument, params),
            calendar=calendar,
        )
        key = self._key(instrument, params)
        found: list[Candle] = []
        for window in windows:
            task = Task(instrument=instrument, broker=params.broker, key=key, window=window)
            found += self._fetch(task, partial(progress, 0))
        judged = validate(
            to_frame(found),
            interval=params.interval,
            segment=instrument.segment,
            calendar=calendar,
            now=self._clock.now(),
        )
        return judged.accepted

    def check(self, params: CollectionParams) -> None:
        """Whether `params` can be collected at all; no broker is asked.

        Raises InstrumentUnknownError, InstrumentNotServedError, IntervalUnknownError,
        DateRangeInvalidError.
        """
        for name in params.instruments:
            instrument = self._find(name, params)
            self._last_day(instrument, params)
            self._reach(instrument, params)

    def _find(self, name: str, params: CollectionParams) -> Instrument:
        """As it was listed on the last day asked for: its token may be another's by now."""
        return self._instruments.find(name, day=min(params.end, today_ist(self._clock)))

    def _last_day(self, instrument: Instrument, params: CollectionParams) -> date:
        """The last day that can have bars. Raises DateRangeInvalidError if none can."""
        today = today_ist(self._clock)
        if params.start > today:
            raise DateRangeInvalidError(
                f"The range starts on {params.start}, and today is {today}.",
                hint="Choose days that have come.",
            )
        if instrument.expiry is not None and params.start > instrument.expiry:
            raise DateRangeInvalidError(
                f"The range starts on {params.start}, and {instrument.ref} expired on "
                f"{instrument.expiry}."
            )
        return min(params.end, today, instrument.expiry or today)

    def _key(self, instrument: Instrument, params: CollectionParams) -> CandleKey:
        return CandleKey(
            mode=self._mode,
            source=self._provenance(params.broker).source,
            exchange=instrument.exchange,
            instrument=instrument.tradingsymbol,
            interval=params.interval,
        )

    def _tasks(
        self,
        instrument: Instrument,
        params: CollectionParams,
        held: Coverage,
        calendar: MarketCalendar,
    ) -> list[Task]:
        reach = self._reach(instrument, params)
        days = [day.day for day in held.days if day.present < day.expected]
        key = self._key(instrument, params)
        windows = cut(days, reach=reach, calendar=calendar)
        return [
            Task(instrument=instrument, broker=params.broker, key=key, window=window)
            for window in windows
        ]

    def _reach(self, instrument: Instrument, params: CollectionParams) -> Reach:
        reach = self._histories[params.broker].reach(instrument, params.interval)
        broker, expiry = params.broker.capitalize(), instrument.expiry
        if params.start < reach.earliest:
            raise DateRangeInvalidError(
                f"{broker} has no {params.interval} bars from before {reach.earliest}.",
                hint=f"Start on {reach.earliest} or later.",
            )
        if expiry is not None and expiry < today_ist(self._clock) and not reach.keeps_expired:
            raise InstrumentNotServedError(
                f"{broker} keeps nothing of {instrument.ref}, which expired on {expiry}.",
                hint="Breeze does: --broker breeze",
            )
        return reach

    def _held(
        self, instrument: Instrument, params: CollectionParams, expectations: Expectations
    ) -> Coverage:
        last = self._last_day(instrument, params)
        frame = self._candles.read_intact(
            self._key(instrument, params),
            start=datetime.combine(params.start, time(0), tzinfo=IST),
            end=datetime.combine(last + timedelta(days=1), time(0), tzinfo=IST),
        )
        return compare(
            frame,
            expectations.of(params.start, last, params.interval, instrument.segment),
        )

    def _fetch(self, task: Task, say: Callable[[str], None]) -> list[Candle]:
        history = self._histories[task.broker]
        fetch = partial(
            history.fetch, task.window, instrument=task.instrument, interval=task.key.interval
        )
        return self._patience.ask(fetch, say=say)

    def _fetch_or_note(self, task: Task, say: Callable[[str], None]) -> list[Candle]:
        try:
            return self._fetch(task, say)
        except AppError as error:
            throttled = isinstance(error, BrokerThrottledError)
            self._gaps.note_failure(
                task.key,
                MissingReason.QUOTA if throttled else MissingReason.ERROR,
                error.detail,
                segment=task.instrument.segment,
                first=task.window.first,
                last=task.window.last,
                job_id=_job_id(),
            )
            raise

    def _take(
        self, candles: list[Candle], task: Task, tally: Tally, calendar: MarketCalendar
    ) -> None:
        tally.requests += 1
        judged = validate(
            to_frame(candles),
            interval=task.key.interval,
            segment=task.instrument.segment,
            calendar=calendar,
            now=self._clock.now(),
        )
        for refusal in judged.refusals:
            reason = refusal.reason.value
            tally.refused[reason] = tally.refused.get(reason, 0) + refusal.rows
        label = self._provenance(task.broker).label
        tally.stored += self._candles.save(task.key, judged.accepted, label=label)
        self._gaps.note_answer(
            task.key,
            judged,
            segment=task.instrument.segment,
            first=task.window.first,
            last=task.window.last,
            job_id=_job_id(),
        )

    def _report(
        self, params: CollectionParams, tallies: Sequence[Tally], calendar: MarketCalendar
    ) -> dict[str, Any]:
        expectations = Expectations(calendar, self._clock.now())
        parts = [self._instrument_report(tally, params, expectations) for tally in tallies]
        return {
            "mode": self._mode.value,
            "source": params.broker.value,
            "label": self._provenance(params.broker).label,
            "interval": params.interval.value,
            "from": params.start.isoformat(),
            "to": params.end.isoformat(),
            "requests": sum(tally.requests for tally in tallies),
            "rows_added": sum(tally.stored.added for tally in tallies),
            "rows_changed": sum(tally.stored.changed for tally in tallies),
            "instruments": parts,
        }

    def _instrument_report(
        self, tally: Tally, params: CollectionParams, expectations: Expectations
    ) -> dict[str, Any]:
        instrument = tally.instrument
        held = self._held(instrument, params, expectations)
        missing = [day.isoformat() for day in held.missing_days]
        return {
            "instrument": str(instrument.ref),
            "requests": tally.requests,
            "rows_added": tally.stored.added,
            "rows_changed": tally.stored.changed,
            "rows_same": tally.stored.same,
            "rows_refused": tally.refused,
            "bars_expected": held.expected,
            "bars_present": held.present,
            "missing_days": missing[:_LISTED],
            "missing_day_count": len(missing),
            "gaps": [
                {
                    "first": gap.first.isoformat(),
                    "last": gap.last.isoformat(),
                    "bars": gap.bars,
                }
                for gap in held.gaps[:_LISTED]
            ],
            "gap_count": len(held.gaps),
        }


def _job_id() -> UUID | None:
    run = running_job()
    return None if run is None else run.job_id
