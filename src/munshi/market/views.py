"""What is stored, as people look at it."""

from dataclasses import dataclass

from munshi.market.candle_view import CandleViews
from munshi.market.coverage_map import CoverageMap


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketViews:
    """Reading only."""

    candles: CandleViews
    coverage: CoverageMap
