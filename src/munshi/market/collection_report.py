"""What came of a collection, and what is missing after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from munshi.clock import IST, Clock
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.market.candles import NOTHING, CandleService, Stored
from munshi.market.collection_plan import SeriesPlan
from munshi.market.expectations import Expectations
from munshi.market.quality import Gap, compare

LISTED = 20
# Of a collection in parts.
MOST_SERIES = 200


@dataclass(slots=True)
class Tally:
    """What the run has done so far, for one series."""

    plan: SeriesPlan
    stored: Stored = NOTHING
    requests: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class CollectionReporter:
    """Reads again only what is held of days that lack some of their bars."""

    def __init__(
        self, clock: Clock, *, candles: CandleService, calendar: Callable[[], MarketCalendar]
    ) -> None:
        self._clock = clock
        self._candles = candles
        self._calendar = calendar

    def report(
        self, params: CollectionParams, tallies: Sequence[Tally], after: Sequence[SeriesPlan]
    ) -> dict[str, Any]:
        """`after` is the plan of the same series as of now. Raises CalendarYearUnknownError."""
        expectations = Expectations(self._calendar(), self._clock.now())
        return {
            "requests": sum(tally.requests for tally in tallies),
            "rows_added": sum(tally.stored.added for tally in tallies),
            "rows_changed": sum(tally.stored.changed for tally in tallies),
            "instruments": [
                self._series(tally, plan, params, expectations)
                for tally, plan in zip(tallies, after, strict=True)
            ],
        }

    def _series(
        self,
        tally: Tally,
        plan: SeriesPlan,
        params: CollectionParams,
        expectations: Expectations,
    ) -> dict[str, Any]:
        missing = [day.isoformat() for day in plan.expected if not plan.present.get(day)]
        gaps = self._gaps(plan, params, expectations)
        return {
            "instrument": str(plan.wanted.instrument.ref),
            "requests": tally.requests,
            "rows_added": tally.stored.added,
            "rows_changed": tally.stored.changed,
            "rows_same": tally.stored.same,
            "rows_refused": tally.refused,
            "bars_expected": plan.bars_expected,
            "bars_present": plan.bars_present,
            "missing_days": missing[:LISTED],
            "missing_day_count": len(missing),
            "gaps": [
                {
                    "first": gap.first.isoformat(),
                    "last": gap.last.isoformat(),
                    "bars": gap.bars,
                }
                for gap in gaps[:LISTED]
            ],
            "gap_count": len(gaps),
        }

    def _gaps(
        self, plan: SeriesPlan, params: CollectionParams, expectations: Expectations
    ) -> Sequence[Gap]:
        partly = [day for day, bars in plan.expected.items() if 0 < plan.present.get(day, 0) < bars]
        if not partly:
            return ()
        frame = self._candles.read_intact(
            plan.key, start=_midnight(partly[0]), end=_midnight(partly[-1] + timedelta(days=1))
        )
        segment = plan.wanted.instrument.segment
        bars = expectations.of(partly[0], partly[-1], params.interval, segment)
        return compare(frame, bars.filter(bars["day"].is_in(partly))).gaps


def joined(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The reports of the parts of one collection, which have no series in common."""
    series = [part for report in reports for part in report.get("instruments", ())]
    worst = sorted(series, key=_bars_missing, reverse=True)[:MOST_SERIES]
    listed = {id(part) for part in worst}
    return {
        "requests": sum(report.get("requests", 0) for report in reports),
        "rows_added": sum(report.get("rows_added", 0) for report in reports),
        "rows_changed": sum(report.get("rows_changed", 0) for report in reports),
        "parts": len(reports),
        "instrument_count": len(series),
        "bars_missing": sum(map(_bars_missing, series)),
        "instruments": [part for part in series if id(part) in listed],
    }


def _bars_missing(part: Mapping[str, Any]) -> int:
    return int(part["bars_expected"]) - int(part["bars_present"])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=IST)
