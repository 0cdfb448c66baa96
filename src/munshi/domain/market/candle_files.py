"""Which series a stored candle file belongs to, and what its manifest row has to say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from munshi.domain.market.intervals import Interval
from munshi.settings import BrokerMode

_SOURCE = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleKey:
    """One series of candles: simulated and live prices, and two sources, never share a file.

    `source` is who served the bars (a broker's name, or a word for imported files).
    """

    mode: BrokerMode
    source: str
    exchange: str
    instrument: str
    interval: Interval

    def __post_init__(self) -> None:
        if not _SOURCE.fullmatch(self.source):
            raise ValueError(f"{self.source!r} is not a source of candles.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file on disk that nobody reads until its manifest row is committed.

    `path` is relative to Munshi's home, with forward slashes on every system. `first_open` and
    `last_open` are the stamps of the first and the last bar, aware UTC.
    """

    path: str
    sha256: str
    rows: int
    first_open: datetime
    last_open: datetime
    bytes: int


def day_bars_text(bars: Mapping[date, int]) -> str:
    """How many bars each day of one month has, as its manifest row keeps it: `02:375 03:60`."""
    return " ".join(f"{day:%d}:{count}" for day, count in sorted(bars.items()) if count)


def read_day_bars(month: str, text: str) -> dict[date, int]:
    """What `day_bars_text` wrote of `month` (`yyyymm`)."""
    year, number = int(month[:4]), int(month[4:])
    pairs = (pair.split(":") for pair in text.split())
    return {date(year, number, int(day)): int(count) for day, count in pairs}
