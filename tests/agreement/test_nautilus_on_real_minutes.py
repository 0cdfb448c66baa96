"""The kernel and nautilus_trader on real minutes, where `MUNSHI_REAL_DATA` names a folder."""

import csv
import os
from datetime import datetime
from pathlib import Path

import pytest

from domain.backtest.test_kernel import request
from munshi.backtest.nautilus_engine import NautilusEngine
from munshi.clock import IST
from munshi.domain.backtest.confirmation import confirmation_of
from munshi.domain.backtest.engine import Order, Strategy
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import FillModel
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle, to_price
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.intervals import Interval

REAL = os.environ.get("MUNSHI_REAL_DATA")
ORDER = Order(instrument="NSE:NIFTY 50", exchange="NSE", kind=ChargeKind.FUTURES, brokerage=2_000)


def real_minutes(folder: Path) -> list[Candle]:
    """Rows of a name, a date, a time and four prices."""
    with next(folder.glob("*1min*.csv")).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        Candle(
            opens=datetime.strptime(f"{row['Date']}{row['Time']}", "%Y%m%d%H:%M").replace(
                tzinfo=IST
            ),
            open=to_price(row["Open"]),
            high=to_price(row["High"]),
            low=to_price(row["Low"]),
            close=to_price(row["Close"]),
            volume=0,
        )
        for row in rows
    ]


@pytest.mark.skipif(REAL is None, reason="MUNSHI_REAL_DATA names no folder of real minutes")
@pytest.mark.timeout(900)
def test_both_come_to_the_same_on_real_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    bars = real_minutes(Path(str(REAL)))
    days = sorted({bar.opens.date() for bar in bars})
    hours = trading_hours(
        days,
        interval=Interval.ONE_MINUTE,
        segment=Segment.CASH,
        calendar=MarketCalendar.packaged(),
    )
    lines = []
    for make in (lambda: MovingAverageCross(fast=20, slow=50), OpeningRangeBreakout):
        for fill_model in FillModel:
            wanted = request(bars, hours=hours, order=ORDER, fill_model=fill_model)
            strategies: tuple[Strategy, Strategy] = make(), make()
            ours = Kernel().run(wanted, strategies[0], progress=lambda _: None)
            theirs = NautilusEngine().run(wanted, strategies[1], progress=lambda _: None)
            made = confirmation_of(ours, theirs, duration_ms=0)
            lines.append(
                f"{type(strategies[0]).__name__:22} {fill_model:10} {len(bars):7,} bars "
                f"{len(ours.trades):6,} trades, net {ours.net / 100:14,.2f} and "
                f"{theirs.net / 100:14,.2f}, {made.differ} differ"
            )
            assert made.is_same
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table of agreement
