"""Asking a broker for bars: how a range is cut into requests, and each request made."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.errors import InstrumentNotServedError
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.breeze.limits import max_sessions
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.limits import EARLIEST_INTRADAY, max_span

Access = TypeVar("Access")
# Asks with the login in force, and once more with a newer one (`auth.broker_login`).
Calling = Callable[[Callable[[Access], list[Candle]]], list[Candle]]
_ONE_DAY = timedelta(days=1)
# From the first to the last second that a request for one day names.
_WITHIN_A_DAY = timedelta(hours=23, minutes=59, seconds=59)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole days, both included, that one request asks for."""

    first: date
    last: date

    @property
    def opens(self) -> datetime:
        return datetime.combine(self.first, time(0), tzinfo=IST)

    @property
    def closes(self) -> datetime:
        return datetime.combine(self.last, time(23, 59, 59), tzinfo=IST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The most that one request may cover, and what the broker keeps at all."""

    span: timedelta = timedelta.max
    trading_days: int | None = None
    earliest: date = date.min
    keeps_expired: bool = True


class History(Protocol):
    """One broker's candles."""

    def reach(self, instrument: Instrument, interval: Interval) -> Reach:
        """Raises InstrumentNotServedError, InstrumentUnknownError, IntervalUnknownError."""
        ...

    def fetch(
        self, window: Window, *, instrument: Instrument, interval: Interval
    ) -> list[Candle]: ...


class KiteHistory:
    """Kite refuses a window that is too long, by interval."""

    def __init__(self, client: KiteClient, *, calling: Calling[KiteAccess]) -> None:
        self._client = client
        self._calling = calling

    def reach(self, instrument: Instrument, interval: Interval) -> Reach:
        _token(instrument)
        earliest = date.min if interval.is_daily else EARLIEST_INTRADAY
        return Reach(span=max_span(interval), earliest=earliest, keeps_expired=False)

    def fetch(self, window: Window, *, instrument: Instrument, interval: Interval) -> list[Candle]:
        return self._calling(
            lambda access: self._client.historical(
                access,
                token=_token(instrument),
                interval=interval,
                start=window.opens,
                end=window.closes,
                oi=instrument.kind.is_derivative,
            )
        )


class BreezeHistory:
    """Breeze cuts a long answer to its newest thousand rows and says nothing."""

    def __init__(self, client: BreezeClient, *, calling: Calling[BreezeAccess]) -> None:
        self._client = client
        self._calling = calling

    def reach(self, instrument: Instrument, interval: Interval) -> Reach:
        BreezeContract.of(instrument)
        return Reach(trading_days=max_sessions(interval, instrument.segment))

    def fetch(self, window: Window, *, instrument: Instrument, interval: Interval) -> list[Candle]:
        return self._calling(
            lambda access: self._client.historical(
                access,
                contract=BreezeContract.of(instrument),
                interval=interval,
                start=window.opens,
                end=window.closes,
            )
        )


def cut(days: Sequence[date], *, reach: Reach, calendar: MarketCalendar) -> list[Window]:
    """The fewest windows that hold `days`, each within `reach`.

    A window also brings the days between its first and last, so those count too.
    """
    if not days:
        return []
    return cut_along(days, reach=reach, traded=traded_days(days[0], days[-1], calendar))


def cut_along(days: Sequence[date], *, reach: Reach, traded: Sequence[date]) -> list[Window]:
    """As `cut`, with all days of their range that may have bars, for many series of one range."""
    longest = (reach.span - _WITHIN_A_DAY).days
    windows: list[Window] = []
    at = 0
    while at < len(days):
        first = days[at]
        last = date.max if longest >= (date.max - first).days else first + _ONE_DAY * longest
        if reach.trading_days is not None:
            beyond = bisect_left(traded, first) + reach.trading_days
            if beyond < len(traded):
                last = min(last, traded[beyond] - _ONE_DAY)
        end = max(bisect_right(days, last), at + 1)
        windows.append(Window(first=first, last=days[end - 1]))
        at = end
    return windows


def traded_days(first: date, last: date, calendar: MarketCalendar) -> list[date]:
    """The days for which a broker may have bars, also those whose hours nobody knows."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if calendar.is_trading_day(day) or calendar.has_unknown_hours(day)]


def _token(instrument: Instrument) -> int:
    if instrument.kite_token is None:
        raise InstrumentNotServedError(
            f"Kite lists no {instrument.ref}.", hint="munshi data instruments --refresh kite"
        )
    return instrument.kite_token
