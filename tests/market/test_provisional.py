"""Bars of a stream are never taken for candles, and go when history has their minutes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from desks import Desk
from made_candles import ist, minutes
from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.provisional_bars import KeptBar
from munshi.errors import InstrumentUnknownError
from munshi.infrastructure.candles.frames import Stamps
from munshi.settings import BrokerMode

NIFTY = InstrumentRef("NSE", "NIFTY 50")
DAY = ist("2026-11-20 00:00")
KEY = CandleKey(
    mode=BrokerMode.SIMULATED, source="kite", exchange="NSE", instrument="NIFTY 50",
    interval=Interval.ONE_MINUTE,
)  # fmt: skip


def stream(desk: Desk, stamps: Sequence[str], *, key: CandleKey = KEY) -> None:
    bars = [
        KeptBar(
            key=key,
            candle=Candle(opens=ist(stamp), open=5, high=9, low=3, close=7, volume=1),
            is_whole=True,
        )
        for stamp in stamps
    ]
    with desk.services.database.operational() as tx:
        tx.provisional_bars.save_bars(bars, now=desk.clock.now())


def held(desk: Desk) -> list[str]:
    bars = desk.services.provisional.list(NIFTY)
    return [f"{bar.candle.opens.astimezone(IST):%H:%M}" for bar in bars]


def collect(desk: Desk) -> dict[str, Any]:
    day = desk.clock.now().date()
    params = CollectionParams(
        broker=Service.KITE, instruments=(str(NIFTY),), interval=Interval.ONE_MINUTE,
        start=day, end=day,
    )  # fmt: skip
    return desk.services.collection.collect(params, progress=lambda *_: None)


def test_reads_coverage_and_collections_know_nothing_of_them(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    stream(desk, ["2026-11-20 09:15", "2026-11-20 09:16"])

    assert desk.services.candles.coverage() == []
    assert desk.services.candles.read(KEY, start=DAY, end=DAY + timedelta(days=1)).is_empty()
    with pytest.raises(InstrumentUnknownError):
        desk.services.candles.page(NIFTY, Interval.ONE_MINUTE)
    assert collect(desk)["rows_added"] == 75


def test_history_replaces_the_minutes_it_has_and_leaves_the_others(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    stream(desk, ["2026-11-20 09:15", "2026-11-20 10:29", "2026-11-20 10:30"])

    collect(desk)

    frame = desk.services.candles.read(KEY, start=DAY, end=DAY + timedelta(days=1))
    assert held(desk) == ["10:30"]  # it was forming
    assert frame.height == 75
    assert frame["close"].min() != 7


def test_a_bar_that_comes_after_its_history_is_not_shown_and_goes_with_the_next_save(
    desk: Desk,
) -> None:
    frame = minutes("2026-11-20 09:15", count=5)
    desk.services.candles.save(KEY, frame, label="a test's")
    stream(desk, ["2026-11-20 09:16", "2026-11-20 09:40"])
    shown = held(desk)

    desk.services.candles.save(KEY, frame, label="a test's")

    with desk.services.database.reading() as tx:
        kept = tx.provisional_bars.list_confirmed(
            KEY, Stamps(frame), first=frame["opens"][0], last=frame["opens"][-1]
        )
    assert (shown, held(desk), kept) == (["09:40"], ["09:40"], [])


@pytest.mark.parametrize(
    "other",
    [
        CandleKey(
            mode=BrokerMode.SIMULATED, source="breeze", exchange="NSE", instrument="NIFTY 50",
            interval=Interval.ONE_MINUTE,
        ),
        CandleKey(
            mode=BrokerMode.SIMULATED, source="kite", exchange="NSE", instrument="NIFTY BANK",
            interval=Interval.ONE_MINUTE,
        ),
        CandleKey(
            mode=BrokerMode.SIMULATED, source="kite", exchange="NSE", instrument="NIFTY 50",
            interval=Interval.FIVE_MINUTES,
        ),
    ],
)  # fmt: skip
def test_only_the_same_series_confirms_a_minute(desk: Desk, other: CandleKey) -> None:
    stream(desk, ["2026-11-20 09:15"])

    desk.services.candles.save(other, minutes("2026-11-20 09:15", count=5), label="a test's")

    assert held(desk) == ["09:15"]


def test_what_is_never_confirmed_is_forgotten_in_time(desk: Desk) -> None:
    stream(desk, ["2026-11-20 09:15", "2026-11-05 09:15"])

    forgotten = desk.services.provisional.cleanup(14)

    assert forgotten == 1
    assert held(desk) == ["09:15"]
    desk.clock.advance(timedelta(days=20))
    assert desk.services.provisional.cleanup(14) == 1
