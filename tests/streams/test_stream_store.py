"""Bars and quotes outlast a database that is away, and only so many of them."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from clocks import FakeClock
from kept_quotes import kept_quote
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.domain.market.provisional_bars import KeptBar
from munshi.infrastructure.database.engine import Database
from munshi.streams.stream_store import StreamStore
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


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Its file is gone, and a folder in its place."""
    file = Path(str(database.url.database))
    kept = file.with_name("kept.db")
    database.close()
    file.rename(kept)
    file.mkdir()
    yield
    file.rmdir()
    kept.rename(file)


def quote(minute: int, *, bid: int = 999_500) -> KeptQuote:
    return kept_quote(TEN + timedelta(minutes=minute, seconds=1), bid=bid)


def stored_quotes(database: Database) -> list[KeptQuote]:
    with database.reading() as tx:
        return tx.stream_quotes.list_quotes(
            InstrumentRef("NSE", "INFY"),
            mode=KEY.mode,
            first=TEN,
            last=TEN + timedelta(days=1),
            limit=9999,
        )


def test_what_cannot_be_stored_waits_until_it_can(sqlite_database: Database) -> None:
    store = StreamStore(sqlite_database, FakeClock(TEN))
    with away(sqlite_database):
        store.add([bar(1), bar(2)], [quote(1), quote(2), quote(3)])
        store.flush()
        waiting = len(store.bars), len(store.quotes)

    store.flush()

    assert (waiting, len(store.bars), len(store.quotes)) == ((2, 3), 0, 0)
    assert (store.bars.stored, store.quotes.stored) == (2, 3)
    assert stored(sqlite_database) == [1, 2]
    assert stored_quotes(sqlite_database) == [quote(1), quote(2), quote(3)]


def test_a_disk_without_room_makes_both_wait(sqlite_database: Database) -> None:
    store = StreamStore(sqlite_database, FakeClock(TEN))
    many = [quote(minute) for minute in range(900)]
    with closing(sqlite3.connect(str(sqlite_database.url.database))) as other:
        [[pages]] = other.execute("PRAGMA page_count")

    def no_room(connection: Any, *_: object) -> None:  # noqa: ANN401 - the driver's own
        connection.execute(f"PRAGMA max_page_count = {pages}")

    # The first page of a table may have room; those after it have none.
    event.listen(Pool, "checkout", no_room)
    store.add([bar(1)], many)
    store.flush()
    waiting = len(store.bars), len(store.quotes)
    event.remove(Pool, "checkout", no_room)
    sqlite_database.close()

    store.flush()

    assert waiting == (1, 900)
    assert (stored(sqlite_database), len(stored_quotes(sqlite_database))) == ([1], 900)


def test_the_oldest_are_lost_when_too_many_wait(sqlite_database: Database) -> None:
    store = StreamStore(sqlite_database, FakeClock(TEN), most=3)

    store.add([bar(minute) for minute in range(5)], [quote(minute) for minute in range(7)])
    store.flush()

    assert stored(sqlite_database) == [2, 3, 4]
    assert stored_quotes(sqlite_database) == [quote(4), quote(5), quote(6)]
    assert (store.bars.lost, store.bars.stored, len(store.bars)) == (2, 3, 0)
    assert (store.quotes.lost, store.quotes.stored, len(store.quotes)) == (4, 3, 0)


def test_what_comes_in_many_batches_is_all_stored_and_a_second_time_changes_nothing(
    database: Database,
) -> None:
    store = StreamStore(database, FakeClock(TEN))
    bars = [bar(minute) for minute in range(1200)]
    quotes = [quote(minute) for minute in range(1300)]

    for _ in range(2):
        store.add([replace(each) for each in bars], [replace(each) for each in quotes])
        store.flush()

    assert stored(database) == list(range(1200))
    assert stored_quotes(database) == quotes
    assert (store.bars.stored, store.quotes.stored) == (2400, 1300)


def test_streams_that_store_the_same_minutes_at_once_make_one_quote_of_each(
    database: Database,
) -> None:
    stores = [StreamStore(database, FakeClock(TEN)) for _ in range(4)]

    def run(number: int) -> None:
        for minute in range(40):
            stores[number].add([bar(minute)], [quote(minute, bid=1000 + number)])
            stores[number].flush()
        while len(stores[number].quotes):
            stores[number].flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))

    assert [each.at for each in stored_quotes(database)] == [quote(n).at for n in range(40)]
    assert sum(store.quotes.stored for store in stores) == 40
    assert stored(database) == list(range(40))
