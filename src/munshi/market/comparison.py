"""The same instrument from two sources: what only one has, and where they disagree."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from munshi.clock import IST
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    DateRangeInvalidError,
    InstrumentUnknownError,
    RequestInvalidError,
)
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.candle_months import CandleMonths, StoredMonth
from munshi.market.candles import CandleService
from munshi.market.comparing import Tally, Tolerance, compare_days
from munshi.market.session_bars import ist_day
from munshi.settings import BrokerMode

_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonAsked:
    """Without `first` and `second` the two sources there are; without days what both have."""

    instrument: InstrumentRef
    interval: Interval
    first: str | None = None
    second: str | None = None
    start: date | None = None
    end: date | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)


class ComparisonService:
    """Reads only, month by month; no broker is asked."""

    def __init__(self, *, mode: BrokerMode, candles: CandleService, months: CandleMonths) -> None:
        self._mode = mode
        self._candles = candles
        self._months = months

    def compare(self, asked: ComparisonAsked) -> dict[str, Any]:
        """Bars of both, of one only, and those that differ, with the ten worst days.

        Raises InstrumentUnknownError where a source holds nothing, DateRangeInvalidError,
        RequestInvalidError.
        """
        _check(asked)
        first, second = self._pair(asked)
        start, end = _range(asked, first, second)
        tally = Tally()
        for one, other in zip(
            self._months.read(first.key, first=start, last=end),
            self._months.read(second.key, first=start, last=end),
            strict=True,
        ):
            bars = [_sound(stored, start, end) for stored in (one, other)]
            tally.add(compare_days(bars[0], bars[1], tolerance=asked.tolerance))
        return {
            "mode": self._mode.value,
            "instrument": str(asked.instrument),
            "interval": asked.interval.value,
            "first": {"source": first.key.source, "label": first.label},
            "second": {"source": second.key.source, "label": second.label},
            "from": start.isoformat(),
            "to": end.isoformat(),
            "price_tolerance_percent": _PERCENT * asked.tolerance.price,
            "volume_tolerance_percent": _PERCENT * asked.tolerance.volume,
            "is_alike": tally.is_alike,
            "days": tally.days,
            "days_unlike": tally.days_unlike,
            "bars_in_both": tally.both,
            "bars_only_in_first": tally.only_first,
            "bars_only_in_second": tally.only_second,
            "bars_differ": tally.bars_differ,
            "prices_differ": tally.price_differs,
            "volumes_differ": tally.volume_differs,
            "worst_days": [day.to_json() for day in tally.worst],
        }

    def _pair(self, asked: ComparisonAsked) -> tuple[SeriesSummary, SeriesSummary]:
        held = [
            one
            for one in self._candles.coverage(asked.instrument)
            if one.key.interval is asked.interval
        ]
        sources = {one.key.source: one for one in held}
        named = [source for source in (asked.first, asked.second) if source is not None]
        for source in named:
            if source not in sources:
                raise InstrumentUnknownError(
                    f"No {asked.interval} bars of {asked.instrument} from {source} are held.",
                    hint=f"Held are those from: {', '.join(sources) or 'nobody'}.",
                )
        chosen = [*named, *(source for source in sources if source not in named)]
        if len(chosen) != len(named) and len(sources) != 2:  # noqa: PLR2004
            raise InstrumentUnknownError(
                f"{asked.interval} bars of {asked.instrument} are held from "
                f"{', '.join(sources) or 'nobody'}; name two sources that differ.",
                hint=f'Such as: munshi data compare "{asked.instrument}" kite breeze',
            )
        return sources[chosen[0]], sources[chosen[1]]


def _check(asked: ComparisonAsked) -> None:
    if asked.first is not None and asked.first == asked.second:
        raise RequestInvalidError(
            f"{asked.first} cannot be compared with itself.", hint="Name two sources that differ."
        )
    for name, part in (("price", asked.tolerance.price), ("volume", asked.tolerance.volume)):
        if not 0 <= part <= 1:
            raise RequestInvalidError(
                f"The tolerance of the {name} must be from 0 to 100 percent, not "
                f"{_PERCENT * part:g}."
            )


def _range(
    asked: ComparisonAsked, first: SeriesSummary, second: SeriesSummary
) -> tuple[date, date]:
    start = asked.start or max(_day(one.first_open) for one in (first, second))
    end = asked.end or min(_day(one.last_open) for one in (first, second))
    if end < start:
        raise DateRangeInvalidError(
            f"The range ends on {end}, before it starts on {start}.",
            hint="Without --from and --to the days are compared that both sources have.",
        )
    return start, end


def _day(instant: datetime) -> date:
    return instant.astimezone(IST).date()


def _sound(stored: StoredMonth, start: date, end: date) -> pl.DataFrame:
    day = ist_day(pl.col("opens"))
    return stored.frame.filter(day.is_between(start, end)).unique("opens", keep="first")
