"""What a soak asked for, what was stored of it, and whether every missing bar is explained."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import polars as pl

from chaos.patchy_candles import PatchyCandles
from desks import Desk
from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import MissingReason
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import empty_frame
from munshi.market.gaps import HeldDay
from munshi.settings import BrokerMode

# Breeze's rows of an index say less than Kite's of volume and open interest.
PRICES = ("opens", "open", "high", "low", "close")
ONE_DAY = timedelta(days=1)
_ANSWERED = {MissingReason.NOTHING_RETURNED, MissingReason.PARTIAL, MissingReason.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The bars of one instrument from one broker."""

    broker: Service
    instrument: Instrument
    interval: Interval

    @property
    def key(self) -> CandleKey:
        return CandleKey(
            mode=BrokerMode.SIMULATED,
            source=self.broker.value,
            exchange=self.instrument.exchange,
            instrument=self.instrument.tradingsymbol,
            interval=self.interval,
        )


@dataclass(slots=True)
class SoakBooks:
    """Judges stored bars by the candles that the brokers have; all that is wrong is a sentence."""

    desk: Desk
    candles: PatchyCandles
    asked: dict[Series, set[date]] = field(default_factory=dict)
    seen: dict[tuple[Series, date], pl.DataFrame] = field(default_factory=dict)
    reasons: set[tuple[Series, date, MissingReason]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def series(self, params: CollectionParams) -> list[Series]:
        return [
            Series(
                broker=params.broker,
                instrument=self.desk.services.instruments.find(name),
                interval=params.interval,
            )
            for name in params.instruments
        ]

    def note(self, series: Series, first: date, last: date) -> None:
        """A request was made for these days."""
        days = self.asked.setdefault(series, set())
        days |= {first + offset * ONE_DAY for offset in range((last - first).days + 1)}

    def look(self, params: CollectionParams) -> None:
        """After a collection, however it ended."""
        for series in self.series(params):
            for month in _months(params.start, params.end):
                self._look_at_rows(series, month)
            for day in self._days(series, params.start, params.end):
                self._look_at_day(series, day)

    def look_at_all(self) -> None:
        """When everything that was asked for has been answered in the end."""
        for series, days in self.asked.items():
            for month in _months(min(days), max(days)):
                self._look_at_rows(series, month)
            for day in self._days(series, min(days), max(days)):
                if day.day in days:
                    self._look_at_day(series, day, is_settled=True)

    def gaps(self) -> Counter[str]:
        """Days of a series with bars missing, by what was said of them at one time or another."""
        return Counter(reason.value for _, _, reason in self.reasons)

    def rows(self) -> int:
        return sum(frame.height for frame in self.seen.values())

    def compare(self, series: Series, found: pl.DataFrame, *, days: Sequence[date]) -> None:
        """Bars that were only fetched."""
        true = self._truth(series, days).select(PRICES)
        if not found.select(PRICES).equals(true):
            self._say(series, f"was fetched as other than what {days[0]} to {days[-1]} had")

    def _look_at_rows(self, series: Series, month: date) -> None:
        now = self._stored(series, month)
        before = self.seen.get((series, month), empty_frame())
        lost = before.join(now, on=now.columns, how="anti", nulls_equal=True)
        new = now.join(before, on=now.columns, how="anti", nulls_equal=True)
        days = new["opens"].dt.convert_time_zone(IST.key).dt.date().unique().sort().to_list()
        strange = new.join(self._truth(series, days), on=PRICES, how="anti")
        if lost.height:
            self._say(series, f"lost or changed {lost.height} rows, from {lost['opens'][0]} on")
        if now["opens"].is_duplicated().any():
            self._say(series, "has a stamp twice")
        if strange.height:
            self._say(series, f"has rows that no broker had, from {strange['opens'][0]} on")
        self.seen[series, month] = now

    def _look_at_day(self, series: Series, day: HeldDay, *, is_settled: bool = False) -> None:
        if day.is_complete:
            return
        if day.reason is None:
            if is_settled or day.day in self.asked.get(series, ()):
                self._say(series, f"says nothing of why {day.day} is not whole")
            return
        self.reasons.add((series, day.day, day.reason))
        if day.reason not in _ANSWERED:
            if is_settled:
                self._say(series, f"still says {day.reason} of {day.day}")
            return
        true = self.candles.true_day(series.instrument, series.interval, day.day)
        foretold = MissingReason.PARTIAL if true.sane.height else MissingReason.NOTHING_RETURNED
        if true.broken:
            foretold = MissingReason.REFUSED
        if (day.reason, day.present) != (foretold, true.sane.height):
            self._say(
                series,
                f"says {day.reason} of {day.day} with {day.present} bars, where the broker has "
                f"{true.sane.height} good and {true.broken} broken ones",
            )

    def _days(self, series: Series, start: date, end: date) -> tuple[HeldDay, ...]:
        return self.desk.services.gaps.days(
            series.key, segment=series.instrument.segment, start=start, end=end
        )

    def _stored(self, series: Series, month: date) -> pl.DataFrame:
        start, end = (datetime.combine(day, time(), IST) for day in (month, _next_month(month)))
        return self.desk.services.candles.read(series.key, start=start, end=end)

    def _truth(self, series: Series, days: Sequence[date]) -> pl.DataFrame:
        parts = [self.candles.true_day(series.instrument, series.interval, day) for day in days]
        return pl.concat([empty_frame(), *(part.sane for part in parts)])

    def _say(self, series: Series, what: str) -> None:
        name = f"{series.broker} {series.instrument.ref} {series.interval}"
        self.wrong.append(f"{name} {what}.")


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _months(start: date, end: date) -> list[date]:
    """The first day of each month that `start` to `end` touches."""
    months = [start.replace(day=1)]
    while _next_month(months[-1]) <= end:
        months.append(_next_month(months[-1]))
    return months
