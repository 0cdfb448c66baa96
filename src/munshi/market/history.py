"""Asking a broker for bars: how a range is cut into requests, and each request made."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Protocol

from munshi.clock import IST
from munshi.domain.enums import Service
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
from munshi.infrastructure.brokers.kite.limits import max_span


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole trading days, both included, that one request may cover."""

    first: date
    last: date

    @property
    def opens(self) -> datetime:
        return datetime.combine(self.first, time(0), tzinfo=IST)

    @property
    def closes(self) -> datetime:
        return datetime.combine(self.last, time(23, 59, 59), tzinfo=IST)


class History(Protocol):
    """One broker's candles."""

    service: Service

    def windows(
        self, days: Sequence[date], *, instrument: Instrument, interval: Interval
    ) -> list[Window]:
        """The fewest requests that cover `days`, none more than the broker answers in full."""
        ...

    def fetch(
        self, window: Window, *, instrument: Instrument, interval: Interval
    ) -> list[Candle]: ...


class KiteHistory:
    """Kite refuses a window that is too long, by interval."""

    service = Service.KITE

    def __init__(
        self, client: KiteClient, *, using: Callable[[], AbstractContextManager[KiteAccess]]
    ) -> None:
        self._client = client
        self._using = using

    def windows(
        self,
        days: Sequence[date],
        *,
        instrument: Instrument,  # noqa: ARG002 - Kite's limit is the same for all
        interval: Interval,
    ) -> list[Window]:
        longest = max_span(interval)

        def fits(first: date, last: date) -> bool:
            window = Window(first=first, last=last)
            return window.closes - window.opens <= longest

        return _cut(days, fits=lambda _, first, last: fits(first, last))

    def fetch(self, window: Window, *, instrument: Instrument, interval: Interval) -> list[Candle]:
        """Raises InstrumentNotServedError for one that Kite has no token for."""
        if instrument.kite_token is None:
            raise InstrumentNotServedError(
                f"Kite lists no {instrument.ref}.", hint="munshi data instruments --refresh kite"
            )
        with self._using() as access:
            return self._client.historical(
                access,
                token=instrument.kite_token,
                interval=interval,
                start=window.opens,
                end=window.closes,
                oi=instrument.kind.is_derivative,
            )


class BreezeHistory:
    """Breeze cuts a long answer to its newest thousand rows and says nothing."""

    service = Service.BREEZE

    def __init__(
        self, client: BreezeClient, *, using: Callable[[], AbstractContextManager[BreezeAccess]]
    ) -> None:
        self._client = client
        self._using = using

    def windows(
        self, days: Sequence[date], *, instrument: Instrument, interval: Interval
    ) -> list[Window]:
        most = max_sessions(interval, instrument.segment)
        return _cut(days, fits=lambda count, *_: count <= most)

    def fetch(self, window: Window, *, instrument: Instrument, interval: Interval) -> list[Candle]:
        """Raises InstrumentUnknownError for one whose ICICI code is not known."""
        contract = BreezeContract.of(instrument)
        with self._using() as access:
            return self._client.historical(
                access,
                contract=contract,
                interval=interval,
                start=window.opens,
                end=window.closes,
            )


def _cut(days: Sequence[date], *, fits: Callable[[int, date, date], bool]) -> list[Window]:
    """Consecutive runs of `days`, as long as `fits(days in the run, first, last)` allows."""
    windows: list[Window] = []
    run: list[date] = []
    for day in days:
        if run and not fits(len(run) + 1, run[0], day):
            windows.append(Window(first=run[0], last=run[-1]))
            run = []
        run.append(day)
    if run:
        windows.append(Window(first=run[0], last=run[-1]))
    return windows
