"""Bars outlast a database that is away, and only so many of them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from clocks import FakeClock
from munshi.domain.market.candles import Candle
from munshi.domain.market.provisional_bars import KeptBar
from munshi.infrastructure.database.engine import Database
from munshi.streams.bar_store import BarStore
from streams.recorders import KEY, TEN


def bar(minute: int) -> KeptBar:
    candle = Candle(
        opens=TEN + timedelta(minutes=minute), open=1, high=2, low=1, close=2, volume=minute
    )
    return KeptBar(key=KEY, candle=candle, is_whole=True)


def stored(database: Database) -> list[int]:
    with database.reading() as tx:
        bars = tx.provisional_bars.list_bars(
            "NSE", "INFY", mode=KEY.mode, first=TEN, last=TEN + timedelta(days=1), limit=9999
        )
    return [each.candle.volume for each in bars]


def test_what_cannot_be_stored_waits_until_it_can(sqlite_database: Database) -> None:
    store = BarStore(sqlite_database, FakeClock(TEN))
    file = Path(str(sqlite_database.url.database))
    kept = file.with_name("kept.db")
    sqlite_database.close()
    file.rename(kept)
    file.mkdir()
    store.add([bar(1), bar(2)])

    store.flush()
    waiting = store.waiting
    file.rmdir()
    kept.rename(file)
    store.flush()

    assert (waiting, store.waiting, store.stored) == (2, 0, 2)
    assert stored(sqlite_database) == [1, 2]


def test_the_oldest_are_lost_when_too_many_wait(sqlite_database: Database) -> None:
    store = BarStore(sqlite_database, FakeClock(TEN), most=3)

    store.add([bar(minute) for minute in range(5)])
    store.flush()

    assert stored(sqlite_database) == [2, 3, 4]
    assert (store.lost, store.stored, store.waiting) == (2, 3, 0)


def test_bars_of_many_batches_are_all_stored_and_a_second_time_change_nothing(
    database: Database,
) -> None:
    store = BarStore(database, FakeClock(TEN))
    bars = [bar(minute) for minute in range(1200)]

    for _ in range(2):
        store.add([replace(each) for each in bars])
        store.flush()

    assert stored(database) == list(range(1200))
