"""Which options were there on a day: by the lists of the time, or else by the market's rules."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from munshi.domain.enums import Service
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.contract_names import contract_name
from munshi.domain.market.expiries import (
    ExpiryKind,
    expiries_between,
    is_monthly_expiry,
    known_underlyings,
)
from munshi.domain.market.instruments import INDEX_TICK, Instrument, InstrumentKind
from munshi.domain.market.lots import lot_size
from munshi.domain.market.sessions import Segment
from munshi.domain.market.strikes import derived_strikes, strikes_around
from munshi.domain.option_chains import OptionChain
from munshi.errors import CalendarYearUnknownError, MarketFactUnknownError
from munshi.market.instrument_history import InstrumentHistory

_OPTIONS = (InstrumentKind.CALL, InstrumentKind.PUT)
_STOCKS = "STOCKS"
_ONE_DAY, _A_WEEK, _A_MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=35)


class ListedOptions:
    """The history of both brokers' lists; read once for all days from `since` on."""

    def __init__(self, history: InstrumentHistory, underlying: str, *, since: date) -> None:
        self._history = history
        self._underlying = underlying
        days = (history.known_since(service) for service in Service)
        self.first_day = min((day for day in days if day is not None), default=None)
        self._by_terms: dict[date, dict[tuple[Decimal | None, InstrumentKind], Instrument]] = {}
        self._expiries = history.option_expiries(underlying, since=since)

    def covers(self, day: date) -> bool:
        """Whether a list of that time was loaded."""
        return self.first_day is not None and self.first_day <= day

    def on(self, day: date, chain: OptionChain, spot: Decimal) -> list[Instrument]:
        listed = (expiry for expiry, first, last in self._expiries if first <= day <= last)
        found: list[Instrument] = []
        for expiry in chain.choose(listed, day=day):
            contracts = self._history.contracts_on(
                day, self._underlying, expiry=expiry, kinds=_OPTIONS
            )
            strikes = (one.strike for one in contracts if one.strike is not None)
            kept = set(strikes_around(spot, strikes, each_side=chain.strikes))
            found += [one for one in contracts if one.strike in kept]
        return found

    def known_as(self, contract: Instrument, *, today: date) -> Instrument:
        """`contract` as it was listed last, where it lived long enough to be in a list."""
        expiry = contract.expiry
        if expiry is None or self.first_day is None or expiry < self.first_day:
            return contract
        if expiry not in self._by_terms:
            listed = self._history.contracts_on(
                min(today, expiry), self._underlying, expiry=expiry, kinds=_OPTIONS
            )
            self._by_terms[expiry] = {(one.strike, one.kind): one for one in listed}
        return self._by_terms[expiry].get((contract.strike, contract.kind), contract)


class DerivedOptions:
    """By the dated rules of expiries and the distance of strikes."""

    def __init__(self, underlying: Instrument, name: str, calendar: MarketCalendar) -> None:
        self._underlying = underlying
        self._name = name
        self._rules = name if name in known_underlyings() else _STOCKS
        self._calendar = calendar
        self._terms: dict[date, tuple[bool, int]] = {}

    def on(self, day: date, chain: OptionChain, spot: Decimal) -> list[Instrument]:
        """Raises MarketFactUnknownError where the rules do not know."""
        strikes = derived_strikes(self._name, spot, each_side=chain.strikes)
        return [
            self._contract(expiry, kind, strike)
            for expiry in chain.choose(self._expiries(day, chain), day=day)
            for strike in strikes
            for kind in _OPTIONS
        ]

    def _expiries(self, day: date, chain: OptionChain) -> Iterable[date]:
        if not isinstance(chain.expiries, int):
            return chain.expiries
        end = day + _A_WEEK * chain.expiries + _A_MONTH
        weekly = self._between(day, end, ExpiryKind.WEEKLY)
        if not weekly:
            end = day + _A_MONTH * (chain.expiries + 1)
        return {*weekly, *self._between(day, end, ExpiryKind.MONTHLY)}

    def _between(self, start: date, end: date, kind: ExpiryKind) -> Sequence[date]:
        """As far ahead as the calendar goes."""
        while True:
            try:
                return expiries_between(self._rules, start, end, kind=kind, calendar=self._calendar)
            except CalendarYearUnknownError:
                end -= _ONE_DAY
                if end < start:
                    raise

    def _contract(self, expiry: date, kind: InstrumentKind, strike: Decimal) -> Instrument:
        if expiry not in self._terms:
            monthly = self._rules == _STOCKS or is_monthly_expiry(
                self._rules, expiry, calendar=self._calendar
            )
            self._terms[expiry] = monthly, _lot(self._name, expiry)
        monthly, lot = self._terms[expiry]
        return Instrument(
            exchange="BFO" if self._underlying.exchange == "BSE" else "NFO",
            tradingsymbol=contract_name(
                self._name, expiry, kind, strike=strike, is_monthly=monthly
            ),
            name=self._name,
            kind=kind,
            segment=Segment.FNO,
            lot_size=lot,
            tick_size=INDEX_TICK,
            expiry=expiry,
            strike=strike,
            underlying=self._name,
            breeze_code=self._underlying.breeze_code,
        )


def with_code(contract: Instrument, underlying: Instrument) -> Instrument:
    """ICICI names a contract by its underlying's code, which outlives every contract."""
    return (
        contract if contract.breeze_code else replace(contract, breeze_code=underlying.breeze_code)
    )


def _lot(underlying: str, expiry: date) -> int:
    """Lots do not matter to prices, so one that is not known stops nobody."""
    try:
        return lot_size(underlying, expiry)
    except MarketFactUnknownError:
        return 1
