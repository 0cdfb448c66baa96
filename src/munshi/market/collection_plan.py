"""The fewest requests that bring what is missing, from what the manifest and the calendar say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import Instrument
from munshi.market.collection_scope import CollectionScope
from munshi.market.expectations import Expectations
from munshi.market.held_bars import HeldBars
from munshi.market.history import Reach, Window, cut_along, traded_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An instrument to collect from `broker`: of these `days`, or of all of the range."""

    instrument: Instrument
    broker: Service
    days: frozenset[date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """One series: the bars each wanted day should have and has, and what to ask for."""

    wanted: Wanted
    key: CandleKey
    expected: Mapping[date, int]
    present: Mapping[date, int]
    windows: Sequence[Window]

    @property
    def bars_expected(self) -> int:
        return sum(self.expected.values())

    @property
    def bars_present(self) -> int:
        return sum(min(self.present.get(day, 0), bars) for day, bars in self.expected.items())

    @property
    def days_wanted(self) -> int:
        return len(_missing(self.expected, self.present))

    @property
    def days_held(self) -> int:
        return len(self.expected) - self.days_wanted

    def to_json(self) -> dict[str, object]:
        return {
            "instrument": str(self.wanted.instrument.ref),
            "source": self.wanted.broker.value,
            "requests": len(self.windows),
            "bars_expected": self.bars_expected,
            "bars_present": self.bars_present,
            "days_wanted": self.days_wanted,
            "days_held": self.days_held,
        }


class Planner:
    """Asks no broker and opens no candle file."""

    def __init__(
        self,
        clock: Clock,
        *,
        scope: CollectionScope,
        held: HeldBars,
        calendar: Callable[[], MarketCalendar],
    ) -> None:
        self._clock = clock
        self._scope = scope
        self._held = held
        self._calendar = calendar

    def plan(self, params: CollectionParams, wanted: Sequence[Wanted]) -> list[SeriesPlan]:
        """One for each of `wanted`, in order.

        Raises what `CollectionScope` does, and CalendarYearUnknownError.
        """
        if not wanted:
            return []
        calendar = self._calendar()
        expectations = Expectations(calendar, self._clock.now())
        lasts = [self._scope.last_day(one.instrument, params) for one in wanted]
        last = max(lasts)
        traded = traded_days(params.start, last, calendar)
        keys = [self._scope.key(one.instrument, one.broker, params.interval) for one in wanted]
        present = self._held.by_day(keys, start=params.start, end=last)
        known: dict[tuple[tuple[date, ...], Reach], Sequence[Window]] = {}
        found: list[SeriesPlan] = []
        for one, key, ends in zip(wanted, keys, lasts, strict=True):
            reach = self._scope.reach(
                one.instrument, one.broker, params.interval, start=params.start
            )
            whole = expectations.counts(params.start, last, params.interval, one.instrument.segment)
            expected = _chosen(whole, one, last=ends, is_whole=ends == last)
            missing = tuple(_missing(expected, present[key]))
            # Two hundred shares of which nothing is held are cut once.
            if (missing, reach) not in known:
                known[missing, reach] = cut_along(missing, reach=reach, traded=traded)
            found.append(
                SeriesPlan(
                    wanted=one,
                    key=key,
                    expected=expected,
                    present=present[key],
                    windows=known[missing, reach],
                )
            )
        return found


def _chosen(
    whole: Mapping[date, int], wanted: Wanted, *, last: date, is_whole: bool
) -> Mapping[date, int]:
    if wanted.days is not None:
        return {day: bars for day, bars in whole.items() if day in wanted.days and day <= last}
    return whole if is_whole else {day: bars for day, bars in whole.items() if day <= last}


def _missing(expected: Mapping[date, int], present: Mapping[date, int]) -> list[date]:
    return [day for day, bars in expected.items() if present.get(day, 0) < bars]
