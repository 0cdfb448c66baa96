"""What an underlying cost when each day began, from the candles that are stored."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import Instrument
from munshi.errors import SpotPriceMissingError
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.candles import CandleService
from munshi.market.session_bars import ist_day


class DaySpots:
    """The first price of a day, or else the last one of the trading day before."""

    def __init__(self, candles: CandleService) -> None:
        self._candles = candles

    def of(
        self, underlying: Instrument, days: Sequence[date], *, calendar: MarketCalendar
    ) -> dict[date, Decimal]:
        """The spot of each of `days`, trading days in order.

        Any stored series of the underlying will do, the daily one first. Raises
        SpotPriceMissingError, which says what to collect.
        """
        if not days:
            return {}
        first = calendar.previous_trading_day(days[0])
        before = dict(zip(days, (first, *days), strict=False))
        opens: dict[date, int] = {}
        closes: dict[date, int] = {}
        for series in sorted(self._candles.coverage(underlying.ref), key=_cheapest_first):
            self._add(series, first, days[-1], opens, closes)
            if all(day in opens for day in days):
                break
        spots = {day: opens.get(day, closes.get(before[day])) for day in days}
        if missing := [day for day, price in spots.items() if price is None]:
            raise SpotPriceMissingError(
                f"No price of {underlying.ref} is stored for {len(missing)} of {len(days)} days, "
                f"the first {missing[0]}; without one nobody knows which strikes are meant.",
                hint=f'munshi data collect "{underlying.ref}" --interval 1day --from {first} '
                f"--to {missing[-1]}",
            )
        return {day: Decimal(price) / PRICE_SCALE for day, price in spots.items() if price}

    def _add(
        self,
        series: SeriesSummary,
        first: date,
        last: date,
        opens: dict[date, int],
        closes: dict[date, int],
    ) -> None:
        frame = self._candles.read_intact(
            series.key, start=_midnight(first), end=_midnight(last + timedelta(days=1))
        )
        by_day = frame.group_by(day=ist_day(pl.col("opens")), maintain_order=True).agg(
            pl.col("open").first(), pl.col("close").last()
        )
        for day, opened, closed in by_day.iter_rows():
            opens.setdefault(day, opened)
            closes.setdefault(day, closed)


def _cheapest_first(series: SeriesSummary) -> tuple[bool, int]:
    return not series.key.interval.is_daily, series.rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=IST)
