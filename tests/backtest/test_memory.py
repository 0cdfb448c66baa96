"""A run over many bars holds whole numbers for each, and no object.

What Python allocates is counted, between a run and one over twice as many bars: what does not grow
with them falls out. `benchmarks/backtest.py` tells the memory of whole processes.
"""

import tracemalloc
from datetime import UTC, datetime, timedelta

from munshi.domain.backtest.engine import Order, Request
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.measuring import measured
from munshi.domain.backtest.results import FillModel, Sizing
from munshi.domain.backtest.strategies import MovingAverageCross
from munshi.domain.market.candle_columns import CandleColumns
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind

FIRST, MINUTE = datetime(2024, 1, 1, tzinfo=UTC), timedelta(minutes=1)
# More than the candles that are kept once they were made.
BARS = 40_000
# 24 for a point of the curve, and some room to grow into. An object a bar takes 190 or more.
MOST_BYTES_A_BAR = 100


def peak_of_a_run(count: int) -> int:
    """The most bytes beside the bars themselves; the prices move a day up and a day down."""
    price = 2_000_000
    bars = CandleColumns.of(
        Candle(
            opens=FIRST + MINUTE * number,
            open=price + abs(number % 2_000 - 1_000),
            high=price + 1_000,
            low=price,
            close=price + abs(number % 2_000 - 1_000),
            volume=1,
        )
        for number in range(count)
    )
    request = Request(
        bars=bars,
        span=MINUTE,
        order=Order(instrument="NSE:X", exchange="NSE", kind=ChargeKind.FUTURES, brokerage=0),
        sizing=Sizing(capital=10**9, lots=1, lot_size=1),
        fill_model=FillModel.NEXT_OPEN,
    )
    tracemalloc.start()
    try:
        result = Kernel().run(request, MovingAverageCross(), progress=lambda _: None)
        figures = measured(result, result.digest().hex())
        fingerprint_of(bars)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert figures["trades"] == count // 1_000
    return peak


def test_a_bar_more_is_a_few_numbers_more() -> None:
    few, many = peak_of_a_run(BARS), peak_of_a_run(2 * BARS)

    assert (many - few) / BARS < MOST_BYTES_A_BAR
