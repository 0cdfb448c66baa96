"""What a collection may ask for: which instrument, of which days, from whom, under which key."""

from collections.abc import Callable, Mapping
from datetime import date

from munshi.clock import Clock, today_ist
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.intervals import Interval
from munshi.errors import DateRangeInvalidError, InstrumentNotServedError
from munshi.market.history import History, Reach
from munshi.market.instruments import InstrumentService
from munshi.market.provenance import Provenance
from munshi.settings import BrokerMode


class CollectionScope:
    """Names and bounds; no broker is asked for bars."""

    def __init__(
        self,
        clock: Clock,
        *,
        mode: BrokerMode,
        provenance: Callable[[Service], Provenance],
        histories: Mapping[Service, History],
        instruments: InstrumentService,
    ) -> None:
        self._clock = clock
        self.mode = mode
        self.provenance = provenance
        self._histories = histories
        self._instruments = instruments

    def find(self, name: str, params: CollectionParams) -> Instrument:
        """As it was listed on the last day asked for: its token may be another's by now.

        Raises InstrumentUnknownError.
        """
        return self._instruments.find(name, day=min(params.end, today_ist(self._clock)))

    def last_day(self, instrument: Instrument, params: CollectionParams) -> date:
        """The last day that can have bars. Raises DateRangeInvalidError if none can."""
        today = today_ist(self._clock)
        if params.start > today:
            raise DateRangeInvalidError(
                f"The range starts on {params.start}, and today is {today}.",
                hint="Choose days that have come.",
            )
        if instrument.expiry is not None and params.start > instrument.expiry:
            raise DateRangeInvalidError(
                f"The range starts on {params.start}, and {instrument.ref} expired on "
                f"{instrument.expiry}."
            )
        return min(params.end, today, instrument.expiry or today)

    def key(self, instrument: Instrument, broker: Service, interval: Interval) -> CandleKey:
        return CandleKey(
            mode=self.mode,
            source=self.provenance(broker).source,
            exchange=instrument.exchange,
            instrument=instrument.tradingsymbol,
            interval=interval,
        )

    def history(self, broker: Service) -> History:
        return self._histories[broker]

    def reach(
        self, instrument: Instrument, broker: Service, interval: Interval, *, start: date
    ) -> Reach:
        """What one request may cover.

        Raises DateRangeInvalidError or InstrumentNotServedError for what the broker does not
        keep, IntervalUnknownError, InstrumentUnknownError.
        """
        reach = self._histories[broker].reach(instrument, interval)
        name, expiry = broker.capitalize(), instrument.expiry
        if start < reach.earliest:
            raise DateRangeInvalidError(
                f"{name} has no {interval} bars from before {reach.earliest}.",
                hint=f"Start on {reach.earliest} or later.",
            )
        if expiry is not None and expiry < today_ist(self._clock) and not reach.keeps_expired:
            raise InstrumentNotServedError(
                f"{name} keeps nothing of {instrument.ref}, which expired on {expiry}.",
                hint="Breeze does: --broker breeze",
            )
        return reach
