"""Minutes that a stream showed: read apart from the candles, and forgotten when they are old."""

from datetime import date, datetime, time, timedelta

from munshi.clock import IST, Clock, today_ist
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.provisional_bars import KeptBar
from munshi.infrastructure.database.engine import Database
from munshi.market.candles import CandleService
from munshi.settings import BrokerMode

MOST_SHOWN = 5000


class ProvisionalService:
    """Nothing here is a candle: history has not confirmed it."""

    def __init__(
        self, database: Database, clock: Clock, *, mode: BrokerMode, candles: CandleService
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._candles = candles

    def list(self, instrument: InstrumentRef, *, day: date | None = None) -> list[KeptBar]:
        """The bars of a day (IST), of today if none is named, oldest first, of every source.

        What history has had before the stream showed it is left out.
        """
        day = day or today_ist(self._clock)
        begins = datetime.combine(day, time(0), tzinfo=IST)
        ends = begins + timedelta(days=1)
        with self._database.reading() as tx:
            bars = tx.provisional_bars.list_bars(
                instrument.exchange,
                instrument.tradingsymbol,
                mode=self._mode,
                first=begins,
                last=ends - timedelta(microseconds=1),
                limit=MOST_SHOWN,
            )
        confirmed = {
            key: set(self._candles.read_intact(key, start=begins, end=ends)["opens"])
            for key in {bar.key for bar in bars}
        }
        return [bar for bar in bars if bar.candle.opens not in confirmed[bar.key]]

    def cleanup(self, days: int) -> int:
        """Forget what history has not confirmed within so many days; how many bars that were."""
        now = self._clock.now()
        with self._database.operational() as tx:
            return tx.provisional_bars.prune(before=now - timedelta(days=days))
