"""The market both brokers show: what is listed today, bars by range, and the latest prices."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle, to_rupees
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.errors import CalendarYearUnknownError
from munshi.infrastructure.brokers.simulator.bars import aggregate, merge, until
from munshi.infrastructure.brokers.simulator.candle_source import CandleSource
from munshi.infrastructure.brokers.simulator.levels import level_history
from munshi.infrastructure.brokers.simulator.state import SimulatorState
from munshi.infrastructure.brokers.simulator.universe import (
    ROOTS,
    Universe,
    cash_instruments,
    index_named,
)

DAYS_LOOKED_BACK = 12
SUMMARIES_CACHED = 20_000
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The latest prices of an instrument: its last day with trades so far, and the close before."""

    day: Candle
    last: Candle
    previous_close: int
    oi_high: int
    oi_low: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everything that can be traded or quoted on one day."""

    instruments: tuple[Instrument, ...]
    by_symbol: dict[str, Instrument]
    by_token: dict[int, Instrument]


class Market:
    """Read-only view of a candle source at the broker's time."""

    def __init__(
        self, state: SimulatorState, candles: CandleSource, calendar: MarketCalendar
    ) -> None:
        self._state = state
        self._calendar = calendar
        self.candles = candles
        self.universe = Universe(calendar)
        self._listing = lru_cache(maxsize=4)(self._list)
        self._daily = lru_cache(maxsize=SUMMARIES_CACHED)(self._summarise)
        self._closing = lru_cache(maxsize=SUMMARIES_CACHED)(candles.closing)

    def now(self) -> datetime:
        return self._state.now()

    def today(self) -> date:
        return self._state.now().astimezone(IST).date()

    def listing(self) -> Listing:
        return self._listing(self.today())

    def bars(
        self, instrument: Instrument, interval: Interval, *, start: datetime, end: datetime
    ) -> list[Candle]:
        """Bars stamped from `start` to `end`, both included; daily ones by their IST dates.

        The bar still forming is among them, as the brokers are believed to do.
        """
        first, last = start.astimezone(IST).date(), end.astimezone(IST).date()
        if self.candles.first_day is None:
            return []
        first = max(first, self.candles.first_day)
        last = min(last, self.today(), self.candles.last_day or last)
        found: list[Candle] = []
        for offset in range((last - first).days + 1):
            found += self._day_bars(instrument, interval, first + offset * ONE_DAY)
        return found if interval.is_daily else [b for b in found if start <= b.opens <= end]

    def snapshot(self, instrument: Instrument) -> Snapshot | None:
        """None for what has not traded in the last days."""
        newest = min(self.today(), self.candles.last_day or self.today())
        days = [newest - offset * ONE_DAY for offset in range(DAYS_LOOKED_BACK)]
        seen = ((day, self._seen(instrument, day)) for day in days)
        day, minutes = next(((day, bars) for day, bars in seen if bars), (newest, ()))
        if not minutes:
            return None
        earlier = (self._closing(instrument, before) for before in days if before < day)
        interests = [bar.oi or 0 for bar in minutes]
        return Snapshot(
            day=merge(minutes, opens=_midnight(day)),
            last=minutes[-1],
            previous_close=next((close for close in earlier if close), minutes[0].open),
            oi_high=max(interests),
            oi_low=min(interests),
        )

    def _seen(self, instrument: Instrument, day: date) -> tuple[Candle, ...]:
        return tuple(until(self.candles.minutes(instrument, day), now=self._state.now()))

    def _day_bars(self, instrument: Instrument, interval: Interval, day: date) -> list[Candle]:
        over = day < self.today()
        if interval.is_daily and over:
            whole = self._daily(instrument, day)
            return [whole] if whole else []
        minutes = self._seen(instrument, day)
        if not minutes or interval is Interval.ONE_MINUTE:
            return list(minutes)
        if interval.is_daily:
            return [merge(minutes, opens=_midnight(day))]
        opens = self._session_opens(instrument, day)
        return list(aggregate(minutes, span=interval.span, session_opens=opens))

    def _summarise(self, instrument: Instrument, day: date) -> Candle | None:
        """The daily bar of a day that is over."""
        minutes = self.candles.minutes(instrument, day)
        return merge(minutes, opens=_midnight(day)) if minutes else None

    def _session_opens(self, instrument: Instrument, day: date) -> list[datetime]:
        try:
            sessions = self._calendar.sessions(day, instrument.segment)
        except CalendarYearUnknownError:
            return []
        return [session.opens.astimezone(UTC) for session in sessions]

    def _list(self, day: date) -> Listing:
        found = list(cash_instruments())
        for underlying in ROOTS:
            spot = self._spot_before(underlying, day)
            found += self.universe.contracts(underlying, day, spot=spot)
        return Listing(
            instruments=tuple(found),
            by_symbol={str(instrument.ref): instrument for instrument in found},
            by_token={instrument.kite_token or 0: instrument for instrument in found},
        )

    def _spot_before(self, underlying: str, day: date) -> Decimal:
        """The close before `day`, which places the strikes for the whole day."""
        last = min(day, self.candles.last_day or day)
        for offset in range(1, DAYS_LOOKED_BACK):
            close = self._closing(index_named(underlying), last - offset * ONE_DAY)
            if close is not None:
                return to_rupees(close)
        return Decimal(round(level_history(underlying).level(day)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), IST).astimezone(UTC)
