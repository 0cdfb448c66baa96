"""The options that a collection wants: for each day those around its spot."""

from collections.abc import Callable, Iterable
from datetime import date

from munshi.clock import Clock, today_ist
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.instruments import Instrument, InstrumentRef, well_known_indices
from munshi.domain.option_chains import OptionChain
from munshi.errors import DateRangeInvalidError, InstrumentUnknownError
from munshi.market.collection_plan import Wanted
from munshi.market.day_spots import DaySpots
from munshi.market.instrument_history import InstrumentHistory
from munshi.market.instruments import InstrumentService
from munshi.market.option_contracts import DerivedOptions, ListedOptions, with_code


class ChainChooser:
    """Asks no broker. What has expired goes to Breeze, which keeps it; Kite does not."""

    def __init__(
        self,
        clock: Clock,
        *,
        instruments: InstrumentService,
        history: InstrumentHistory,
        spots: DaySpots,
        calendar: Callable[[], MarketCalendar],
    ) -> None:
        self._clock = clock
        self._instruments = instruments
        self._history = history
        self._spots = spots
        self._calendar = calendar

    def choose(self, chain: OptionChain, params: CollectionParams) -> list[Wanted]:
        """Every contract that any day wants, with the days that do, by expiry, strike and kind.

        Raises DateRangeInvalidError, SpotPriceMissingError, MarketFactUnknownError,
        InstrumentUnknownError where there is no such contract.
        """
        today, calendar = today_ist(self._clock), self._calendar()
        if params.start > today:
            raise DateRangeInvalidError(
                f"The range starts on {params.start}, and today is {today}.",
                hint="Choose days that have come.",
            )
        underlying = self._underlying(chain.underlying)
        days = calendar.trading_days(params.start, min(params.end, today))
        spots = self._spots.of(underlying, days, calendar=calendar)
        listed = ListedOptions(self._history, chain.underlying, since=params.start)
        derived = DerivedOptions(underlying, chain.underlying, calendar)
        contracts: dict[InstrumentRef, Instrument] = {}
        wanted_on: dict[InstrumentRef, set[date]] = {}
        for day in days:
            among = listed if listed.covers(day) else derived
            for chosen in among.on(day, chain, spots[day]):
                contract = listed.known_as(chosen, today=today)
                contracts[contract.ref] = with_code(contract, underlying)
                wanted_on.setdefault(contract.ref, set()).add(day)
        if days and not contracts:
            raise InstrumentUnknownError(
                f"No option on {chain.underlying} with such an expiry was listed from "
                f"{days[0]} to {days[-1]}.",
                hint=f"See: munshi instruments list --underlying {chain.underlying}",
            )
        brokers = _brokers(contracts.values(), params.broker, today=today)
        ordered = sorted(
            contracts.values(), key=lambda one: (one.expiry or date.max, one.strike or 0, one.kind)
        )
        return [
            Wanted(instrument=one, broker=brokers[one.expiry], days=frozenset(wanted_on[one.ref]))
            for one in ordered
        ]

    def _underlying(self, name: str) -> Instrument:
        for index in well_known_indices():
            if index.name == name:
                return index
        return self._instruments.find(f"NSE:{name}")


def _brokers(
    contracts: Iterable[Instrument], preferred: Service, *, today: date
) -> dict[date | None, Service]:
    """One broker for all of an expiry: the preferred one if that serves every contract of it."""
    found: dict[date | None, Service] = {}
    for one in contracts:
        is_alive = one.expiry is None or one.expiry >= today
        if not is_alive or (preferred is Service.KITE and one.kite_token is None):
            found[one.expiry] = Service.BREEZE
        found.setdefault(one.expiry, preferred)
    return found
