"""Bars of options as a backtest asks for them: read when a contract is traded, never before."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property

from munshi.domain.backtest.options.market import PriceTrack
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.database.candle_repository import SeriesSummary
from munshi.market.candles import CandleService

_UNITS_A_PAISA = PRICE_SCALE // 100
_A_WHILE = timedelta(days=1)


class StoredOptionPrices:
    """The stored series of one interval. No transaction is open while files are read."""

    def __init__(
        self, candles: CandleService, *, interval: Interval, source: str | None = None
    ) -> None:
        self._candles = candles
        self._interval = interval
        self._source = source
        self._labels: set[str] = set()

    @property
    def labels(self) -> list[str]:
        """Where the bars that were asked for until now come from."""
        return sorted(self._labels)

    def track(self, instrument: str, expiry: date) -> PriceTrack:  # noqa: ARG002
        """Empty where nothing is stored. Raises CandleFileDamagedError."""
        series = self._series.get(instrument)
        if series is None:
            return PriceTrack()
        self._labels.add(series.label)
        frame = self._candles.read(
            series.key, start=series.first_open, end=series.last_open + _A_WHILE
        )
        stamps = frame["opens"].dt.epoch("s").to_list()
        prices = {
            name: ((frame[name] + _UNITS_A_PAISA // 2) // _UNITS_A_PAISA).to_list()
            for name in ("open", "high", "low", "close")
        }
        return PriceTrack(
            stamps=stamps,
            opens=prices["open"],
            highs=prices["high"],
            lows=prices["low"],
            closes=prices["close"],
        )

    @cached_property
    def _series(self) -> Mapping[str, SeriesSummary]:
        """Looked up once: a run asks for hundreds of contracts."""
        return self._candles.every_series(self._interval, source=self._source)
