"""Where the simulated brokers take their prices from."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument


class CandleSource(Protocol):
    """One-minute bars by day; every longer bar is made from these, so all agree."""

    @property
    def label(self) -> str:
        """What the prices are, in the words shown to people."""
        ...

    @property
    def first_day(self) -> date | None: ...

    @property
    def last_day(self) -> date | None:
        """None where the source has no end of its own."""
        ...

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        """The whole day's bars in order, future ones included; none where there are none."""
        ...

    def closing(self, instrument: Instrument, day: date) -> int | None:
        """The last minute's close, None for a day without bars."""
        ...


class NoCandles:
    """A broker without market data, for what only needs logins."""

    label = "no candles"
    first_day: date | None = None
    last_day: date | None = None

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:  # noqa: ARG002
        return ()

    def closing(self, instrument: Instrument, day: date) -> int | None:  # noqa: ARG002
        return None
