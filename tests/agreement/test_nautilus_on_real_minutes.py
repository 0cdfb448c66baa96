"""The kernel and nautilus_trader on real minutes, where `MUNSHI_REAL_DATA` names a folder."""

import os

import pytest

from agreement.signals import REAL_DATA, Script, real_scenes
from domain.backtest.test_kernel import request
from munshi.backtest.nautilus_engine import NautilusEngine
from munshi.domain.backtest.confirmation import confirmation_of
from munshi.domain.backtest.engine import Order
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import FillModel
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.intervals import Interval

ORDER = Order(instrument="NSE:NIFTY 50", exchange="NSE", kind=ChargeKind.FUTURES, brokerage=2_000)


@pytest.mark.skipif(REAL_DATA not in os.environ, reason=f"{REAL_DATA} names no folder")
@pytest.mark.timeout(900)
def test_both_come_to_the_same_on_real_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for scene in real_scenes():
        hours = trading_hours(
            sorted({bar.opens.date() for bar in scene.bars}),
            interval=Interval.ONE_MINUTE,
            segment=Segment.CASH,
            calendar=MarketCalendar.packaged(),
        )
        for fill_model in FillModel:
            wanted = request(scene.bars, hours=hours, order=ORDER, fill_model=fill_model)
            ours, theirs = (
                engine.run(wanted, Script(scene.targets), progress=lambda _: None)
                for engine in (Kernel(), NautilusEngine())
            )
            made = confirmation_of(ours, theirs, duration_ms=0)
            lines.append(
                f"{scene.name} {fill_model}: {len(scene.bars):,} bars, {len(ours.trades):,} "
                f"trades, net {ours.net / 100:,.2f} and {theirs.net / 100:,.2f}, "
                f"{made.differ} differ"
            )
            assert made.is_same
    assert lines
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table of agreement
