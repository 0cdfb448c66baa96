"""The options that a collection wants: for each day those around its spot."""

from collections.abc import Callable
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
            for contract in among.on(day, chain, spots[day]):
                contracts[contract.ref] = with_code(contract, underlying)
                wanted_on.setdefault(contract.ref, set()).add(day)
        if days and not contracts:
            raise InstrumentUnknownError(
                f"No option on {chain.underlying} with such an expiry was listed from "
                f"{days[0]} to {days[-1]}.",
                hint=f"See: munshi instruments list --underlying {chain.underlying}",
            )
        ordered = sorted(
            contracts.values(), key=lambda one: (one.expiry or date.max, one.strike or 0, one.kind)
        )
        return [
            Wanted(
                instrument=one,
                broker=_broker(one, params.broker, today=today),
                days=frozenset(wanted_on[one.ref]),
            )
            for one in ordered
        ]

    def _underlying(self, name: str) -> Instrument:
        for index in well_known_indices():
            if index.name == name:
                return index
        return self._instruments.find(f"NSE:{name}")


def _broker(contract: Instrument, preferred: Service, *, today: date) -> Service:
    is_alive = contract.expiry is None or contract.expiry >= today
    return preferred if is_alive and contract.kite_token is not None else Service.BREEZE
