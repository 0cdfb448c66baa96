"""Which series a stored candle file belongs to, and what its manifest row has to say."""

import re
from dataclasses import dataclass
from datetime import datetime

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
