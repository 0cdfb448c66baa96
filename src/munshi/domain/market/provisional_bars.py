"""A minute that a stream showed and history has not confirmed: kept apart from the candles."""

from dataclasses import dataclass
from datetime import datetime

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBar:
    """`is_whole` is False where a part of the minute lay in a gap of the stream.

    `key` names the series that will confirm it, `stored_at` when it was stored.
    """

    key: CandleKey
    candle: Candle
    is_whole: bool
    stored_at: datetime | None = None
