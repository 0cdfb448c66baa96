"""Our engines and nautilus_trader on real minutes, where `MUNSHI_REAL_DATA` names a folder.

The prices of options are made up there as everywhere: the index is real, they are not.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import pytest

from agreement.signals import REAL_DATA, Script, real_scenes
from domain.backtest.test_kernel import request
from made_options import WalkedTracks, maker, option_request, run_options
from munshi.backtest.nautilus_engine import NautilusEngine
from munshi.domain.backtest.confirmation import confirmation_of
from munshi.domain.backtest.engine import Order
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import FillModel
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.intervals import Interval

STRATEGIES: list[tuple[str, dict[str, Any]]] = [
    ("weekly_option_selling", {}),
    ("weekly_option_selling", {"trigger": "repeat", "stop": False, "hedge_distance": 100}),
    ("short_straddle", {"leg_stop_percent": 25}),
    ("short_strangle", {"exit_at": "expiry", "hedge_distance": 200, "stop_percent": 50}),
]
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


@pytest.mark.skipif(REAL_DATA not in os.environ, reason=f"{REAL_DATA} names no folder")
@pytest.mark.timeout(900)
def test_options_over_real_minutes_come_to_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for bars in ({scene.name.partition(",")[0]: scene.bars for scene in real_scenes()}).values():
        fives = list(_fives(bars))
        for name, told in STRATEGIES:
            make = maker(name, **told)
            for fill_model in FillModel:
                wanted = option_request(fives, WalkedTracks(fives), fill_model=fill_model)
                ours = run_options(wanted, make())
                theirs = NautilusEngine().run(wanted, make(), progress=lambda _: None)
                made = confirmation_of(ours, theirs, duration_ms=0)
                orders = sum(len(trade.legs) for trade in ours.trades)
                lines.append(
                    f"{name} {told} {fill_model}: {len(fives):,} bars, "
                    f"{len(ours.trades):,} trades, {orders:,} orders, {made.differ} differ"
                )
                assert made.is_same
    assert lines
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table of agreement


def _fives(bars: Sequence[Candle]) -> Iterator[Candle]:
    """Bars of five minutes out of those of one."""
    for _, minutes in groupby(bars, key=lambda bar: int(bar.opens.timestamp()) // 300):
        part = list(minutes)
        yield Candle(
            opens=part[0].opens.replace(minute=part[0].opens.minute // 5 * 5),
            open=part[0].open,
            high=max(bar.high for bar in part),
            low=min(bar.low for bar in part),
            close=part[-1].close,
            volume=0,
        )
