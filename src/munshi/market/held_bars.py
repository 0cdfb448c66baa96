"""How many bars of each day many series hold, from the manifest; hardly a file is opened."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta

from munshi.clock import IST
from munshi.domain.market.candle_files import CandleKey, read_day_bars
from munshi.infrastructure.candles.day_bars import bars_by_day
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database.candle_repository import HeldMonth
from munshi.infrastructure.database.engine import Database
from munshi.market.candle_months import month_ends
from munshi.market.candles import CandleService


class HeldBars:
    """A month whose file is gone, or has another length than was stored, holds nothing.

    Files that were stored before days were counted are read.
    """

    def __init__(self, database: Database, *, store: CandleStore, candles: CandleService) -> None:
        self._database = database
        self._store = store
        self._candles = candles

    def by_day(
        self, keys: Iterable[CandleKey], *, start: date, end: date
    ) -> dict[CandleKey, Mapping[date, int]]:
        """The bars held of each day of the months from `start` to `end`, of every key."""
        alike: dict[tuple[object, ...], dict[str, CandleKey]] = defaultdict(dict)
        for key in keys:
            alike[key.mode, key.source, key.exchange, key.interval][key.instrument] = key
        held: dict[CandleKey, Mapping[date, int]] = {}
        for by_name in alike.values():
            found: dict[str, dict[date, int]] = {name: {} for name in by_name}
            for month in self._months(by_name, start=start, end=end):
                if self._store.has(month.path, bytes=month.bytes):
                    counts = self._counts(month, by_name[month.instrument])
                    found[month.instrument].update(counts)
            held |= {key: found[name] for name, key in by_name.items()}
        return held

    def _months(
        self, by_name: Mapping[str, CandleKey], *, start: date, end: date
    ) -> list[HeldMonth]:
        like = next(iter(by_name.values()))
        with self._database.reading() as tx:
            return tx.candles.list_months(
                like, sorted(by_name), from_month=f"{start:%Y%m}", to_month=f"{end:%Y%m}"
            )

    def _counts(self, month: HeldMonth, key: CandleKey) -> dict[date, int]:
        if month.day_bars is not None:
            return read_day_bars(month.month, month.day_bars)
        first, last = month_ends(month.month)
        opens, closes = (datetime.combine(day, time(0), tzinfo=IST) for day in (first, last))
        frame = self._candles.read_intact(key, start=opens, end=closes + timedelta(days=1))
        return bars_by_day(frame)
