"""Minutes of streams in the database: one of each, the better one, and only of its own series."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.domain.market.provisional_bars import KeptBar
from munshi.errors import ProvisionalBarsConflictError
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

TEN = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)


def bar(
    minute: int, *, close: int = 7, is_whole: bool = True, source: str = "kite", name: str = "INFY"
) -> KeptBar:
    key = CandleKey(
        mode=BrokerMode.LIVE, source=source, exchange="NSE", instrument=name,
        interval=Interval.ONE_MINUTE,
    )  # fmt: skip
    candle = Candle(
        opens=TEN + timedelta(minutes=minute), open=5, high=9, low=3, close=close,
        volume=10**12, oi=None if minute else 3,
    )  # fmt: skip
    return KeptBar(key=key, candle=candle, is_whole=is_whole)


def save(database: Database, *bars: KeptBar) -> None:
    with database.operational() as tx:
        tx.provisional_bars.save_bars(bars, now=TEN)


def listed(database: Database, *, limit: int = 99) -> list[tuple[int, int, bool]]:
    with database.reading() as tx:
        found = tx.provisional_bars.list_bars(
            "NSE", "INFY", mode=BrokerMode.LIVE, first=TEN, last=TEN + timedelta(hours=1),
            limit=limit,
        )  # fmt: skip
    return [
        (int((b.candle.opens - TEN).total_seconds()) // 60, b.candle.close, b.is_whole)
        for b in found
    ]


def test_what_is_stored_comes_back_in_order(database: Database) -> None:
    save(database, bar(2), bar(0), bar(1), bar(1, name="TCS"))

    with database.reading() as tx:
        [first, *_] = tx.provisional_bars.list_bars(
            "NSE", "INFY", mode=BrokerMode.LIVE, first=TEN, last=TEN, limit=9
        )
    assert listed(database) == [(0, 7, True), (1, 7, True), (2, 7, True)]
    assert listed(database, limit=1) == [(0, 7, True)]
    assert (first.candle, first.stored_at) == (bar(0).candle, TEN)


@pytest.mark.parametrize(
    ("held", "incoming", "stays"),
    [(True, False, 7), (True, True, 8), (False, True, 8), (False, False, 8)],
)
def test_a_whole_minute_gives_way_only_to_a_whole_one(
    database: Database, *, held: bool, incoming: bool, stays: int
) -> None:
    save(database, bar(0, is_whole=held))

    save(database, bar(0, close=8, is_whole=incoming))

    assert [close for _, close, _ in listed(database)] == [stays]


def test_of_two_that_store_a_minute_at_once_the_second_is_told(
    postgresql_database: Database,
) -> None:
    told: list[ProvisionalBarsConflictError] = []

    def second() -> None:
        try:
            save(postgresql_database, bar(1), bar(0, close=8))
        except ProvisionalBarsConflictError as error:
            told.append(error)

    thread = threading.Thread(target=second)
    with postgresql_database.operational() as tx:
        tx.provisional_bars.save_bars([bar(0)], now=TEN)
        thread.start()
        time.sleep(0.5)  # it has looked, and waits at the index for this one to end
    thread.join(20)

    assert len(told) == 1
    assert listed(postgresql_database) == [(0, 7, True)]


def test_only_the_minutes_and_the_series_that_history_has_are_forgotten(
    database: Database,
) -> None:
    save(database, bar(0), bar(1), bar(2))
    save(database, bar(0, source="breeze"))

    with database.operational() as tx:
        later = TEN + timedelta(minutes=9)
        confirmed = [TEN, TEN + timedelta(minutes=2), later]
        gone = tx.provisional_bars.confirm(bar(0).key, confirmed, first=TEN, last=later)
        none = tx.provisional_bars.confirm(bar(0).key, [later], first=later, last=later)

    assert ([b.candle.opens for b in gone], none) == ([TEN, TEN + timedelta(minutes=2)], [])
    assert listed(database) == [(0, 7, True), (1, 7, True)]


def test_the_old_ones_go(database: Database) -> None:
    save(database, *map(bar, range(5)))

    with database.operational() as tx:
        assert tx.provisional_bars.prune(before=TEN + timedelta(minutes=3)) == 3

    assert [minute for minute, _, _ in listed(database)] == [3, 4]
