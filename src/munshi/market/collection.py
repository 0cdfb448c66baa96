"""Collecting candles: what is missing is asked for, judged and stored, nothing is filled in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import polars as pl

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candle_gaps import MissingReason
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import AppError, BrokerThrottledError
from munshi.infrastructure.candles.frames import to_frame
from munshi.jobs.run import running_job
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.chain_choice import ChainChooser
from munshi.market.collection_outlook import CollectionOutlook
from munshi.market.collection_parts import divide
from munshi.market.collection_plan import Planner, SeriesPlan, Wanted
from munshi.market.collection_report import CollectionReporter, Tally, joined
from munshi.market.collection_scope import CollectionScope
from munshi.market.gaps import GapService
from munshi.market.history import Window, cut
from munshi.market.patience import Patience
from munshi.market.quality import Quality, validate

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One request to make."""

    plan: SeriesPlan
    window: Window


class CollectionService:
    """Plans, fetches, validates, stores. No transaction is open while a broker is asked."""

    def __init__(
        self,
        clock: Clock,
        *,
        scope: CollectionScope,
        planner: Planner,
        chains: ChainChooser,
        candles: CandleService,
        gaps: GapService,
        calendar: CalendarService,
        outlook: CollectionOutlook,
        part_requests: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._patience = Patience(clock)
        self._scope = scope
        self._planner = planner
        self._chains = chains
        self._candles = candles
        self._gaps = gaps
        self._calendar = calendar
        self._outlook = outlook
        self._part_requests = part_requests
        self._reporter = CollectionReporter(clock, candles=candles, calendar=calendar.calendar)

    def collect(self, params: CollectionParams, *, progress: Progress) -> dict[str, Any]:
        """Bring the stored bars up to what `params` asks for; the report says what is missing.

        Calling it again once all is there asks the broker nothing and changes nothing. Raises
        what a broker's client raises; what was fetched until then is stored.
        """
        wanted = self._wanted(params)
        plans = self._planner.plan(params, wanted)
        calendar = self._calendar.calendar()
        tallies = [Tally(plan) for plan in plans]
        tasks = [
            (Task(plan=tally.plan, window=window), tally)
            for tally in tallies
            for window in tally.plan.windows
        ]
        # What an earlier attempt at a part fetched counts as done.
        whole = max(params.planned or 0, len(tasks))
        before = whole - len(tasks)
        for done, (task, tally) in enumerate(tasks):
            say = partial(progress, 100 * (before + done) / whole)
            say(
                f"{task.plan.wanted.instrument.ref} {task.window.first} to {task.window.last}, "
                f"request {done + 1} of {len(tasks)}"
            )
            self._take(self._fetch_or_note(task, say), task, tally, calendar)
        if tasks:
            self._candles.collect_garbage()
        progress(100, f"{len(tasks)} requests made." if tasks else "Nothing was missing.")
        after = self._planner.plan(params, wanted) if tasks else plans
        return {**self._head(params), **self._reporter.report(params, tallies, after)}

    def plan(self, params: CollectionParams) -> dict[str, Any]:
        """What `collect` would ask for now, of whom, and how long the quotas make that.

        No broker is asked and nothing is stored. Raises what `check` does, and
        CalendarYearUnknownError.
        """
        plans = self._planner.plan(params, self._wanted(params))
        requests = _by_broker(plans)
        outlook = self._outlook.of_requests(requests)
        return {
            **self._head(params),
            "requests": outlook.requests,
            "requests_by_broker": {broker.value: count for broker, count in requests.items()},
            "parts": len(divide(params, plans, most=self._part_requests())),
            "ends_at": outlook.ends_at and outlook.ends_at.isoformat(),
            "outlook": outlook.said,
            "instruments": [plan.to_json() for plan in plans],
        }

    def divide(self, params: CollectionParams) -> list[CollectionParams]:
        """`params` as the parts they are collected in; alone where they are not much.

        Raises as `plan` does.
        """
        plans = self._planner.plan(params, self._wanted(params))
        return divide(params, plans, most=self._part_requests())

    def brokers(self, params: CollectionParams) -> list[Service]:
        """Who would be asked now, by name."""
        return sorted(_by_broker(self._planner.plan(params, self._wanted(params))))

    def conclude(
        self, params: CollectionParams, reports: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The reports of all parts as one; of many series those that miss most are listed."""
        return {**self._head(params), **joined(reports)}

    def fetch_again(self, params: CollectionParams, *, progress: Progress) -> pl.DataFrame:
        """All bars of the one instrument of `params`, held or not; nothing is stored.

        Raises what a broker's client raises, and what `check` does.
        """
        calendar = self._calendar.calendar()
        scope, broker = self._scope, params.broker
        instrument = scope.find(params.instruments[0], params)
        windows = cut(
            calendar.trading_days(params.start, scope.last_day(instrument, params)),
            reach=scope.reach(instrument, broker, params.interval, start=params.start),
            calendar=calendar,
        )
        found: list[Candle] = []
        for window in windows:
            fetch = partial(
                scope.history(broker).fetch,
                window,
                instrument=instrument,
                interval=params.interval,
            )
            found += self._patience.ask(fetch, say=partial(progress, 0))
        return self._judge(found, params.interval, instrument.segment, calendar).accepted

    def check(self, params: CollectionParams) -> None:
        """Whether `params` can be collected at all; no broker is asked.

        Raises InstrumentUnknownError, InstrumentNotServedError, IntervalUnknownError,
        DateRangeInvalidError.
        """
        for one in self._wanted(params):
            self._scope.last_day(one.instrument, params)
            self._scope.reach(one.instrument, one.broker, params.interval, start=params.start)

    def _wanted(self, params: CollectionParams) -> list[Wanted]:
        named = [
            Wanted(instrument=self._scope.find(name, params), broker=params.broker)
            for name in params.instruments
        ]
        return (
            named if params.chain is None else [*named, *self._chains.choose(params.chain, params)]
        )

    def _head(self, params: CollectionParams) -> dict[str, Any]:
        return {
            "mode": self._scope.mode.value,
            "source": params.broker.value,
            "label": self._scope.provenance(params.broker).label,
            "interval": params.interval.value,
            "from": params.start.isoformat(),
            "to": params.end.isoformat(),
        }

    def _fetch_or_note(self, task: Task, say: Callable[[str], None]) -> list[Candle]:
        wanted = task.plan.wanted
        fetch = partial(
            self._scope.history(wanted.broker).fetch,
            task.window,
            instrument=wanted.instrument,
            interval=task.plan.key.interval,
        )
        try:
            return self._patience.ask(fetch, say=say)
        except AppError as error:
            throttled = isinstance(error, BrokerThrottledError)
            self._gaps.note_failure(
                task.plan.key,
                MissingReason.QUOTA if throttled else MissingReason.ERROR,
                error.detail,
                segment=wanted.instrument.segment,
                first=task.window.first,
                last=task.window.last,
                job_id=_job_id(),
            )
            raise

    def _take(
        self, candles: list[Candle], task: Task, tally: Tally, calendar: MarketCalendar
    ) -> None:
        tally.requests += 1
        wanted = task.plan.wanted
        judged = self._judge(candles, task.plan.key.interval, wanted.instrument.segment, calendar)
        for refusal in judged.refusals:
            reason = refusal.reason.value
            tally.refused[reason] = tally.refused.get(reason, 0) + refusal.rows
        label = self._scope.provenance(wanted.broker).label
        tally.stored += self._candles.save(task.plan.key, judged.accepted, label=label)
        self._gaps.note_answer(
            task.plan.key,
            judged,
            segment=wanted.instrument.segment,
            first=task.window.first,
            last=task.window.last,
            job_id=_job_id(),
        )

    def _judge(
        self,
        candles: Sequence[Candle],
        interval: Interval,
        segment: Segment,
        calendar: MarketCalendar,
    ) -> Quality:
        return validate(
            to_frame(candles),
            interval=interval,
            segment=segment,
            calendar=calendar,
            now=self._clock.now(),
        )


def _by_broker(plans: Sequence[SeriesPlan]) -> dict[Service, int]:
    found: dict[Service, int] = {}
    for plan in plans:
        if plan.windows:
            broker = plan.wanted.broker
            found[broker] = found.get(broker, 0) + len(plan.windows)
    return found


def _job_id() -> UUID | None:
    run = running_job()
    return None if run is None else run.job_id
