"""What is kept is found again, by every process, until it is no good any more."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from caches import LISTED, PRICES, SLOW, WORDS, Counted, Price, open_cache
from clocks import FakeClock
from munshi.cache.cache import Cache
from munshi.cache.open_shelf import Found
from munshi.cache.shelf import Shelf
from munshi.domain.enums import Service
from munshi.domain.market.instruments import well_known_indices
from munshi.errors import (
    CacheValueTooLargeError,
    CacheValueUnfitError,
    TransactionOpenError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.settings import BrokerMode
from stored_lists import store

NIFTY = Price(symbol="NIFTY", price=Decimal("24123.45"))
LOOK = timedelta(milliseconds=51)


@pytest.fixture
def cache(database: Database, clock: FakeClock) -> Iterator[Cache]:
    with open_cache(database, clock) as opened:
        yield opened


@pytest.fixture
def other(database: Database, clock: FakeClock) -> Iterator[Cache]:
    """As another process has it: nothing is shared but the database."""
    with open_cache(database, clock) as opened:
        yield opened


def write_a_list(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        save_a_list(tx, clock)


def save_a_list(tx: Transaction, clock: FakeClock) -> None:
    listed = [each for each in well_known_indices() if each.exchange == "NSE"]
    store(tx, Service.KITE, "NSE", listed, mode=BrokerMode.SIMULATED, now=clock.now())


def test_a_value_is_exactly_what_it_was_here_and_in_every_other_process(
    cache: Cache, other: Cache
) -> None:
    cache.open(PRICES).set("NIFTY", NIFTY)

    found = [each.open(PRICES).get("NIFTY") for each in (cache, other) for _ in range(3)]

    assert found == [NIFTY] * 6


def test_values_that_can_be_changed_are_each_callers_own(cache: Cache) -> None:
    words = cache.open(WORDS)
    words.set("all", ["a"])
    for _ in range(4):
        (words.get("all") or []).append("b")

    assert words.get("all") == ["a"]


def test_a_value_is_gone_when_its_time_is_over(
    cache: Cache, other: Cache, clock: FakeClock
) -> None:
    cache.open(PRICES).set("NIFTY", NIFTY)
    assert other.open(PRICES).get("NIFTY") == NIFTY

    clock.advance(timedelta(seconds=60))

    assert [each.open(PRICES).get("NIFTY") for each in (cache, other)] == [None, None]


def test_what_another_process_sets_or_deletes_is_seen_within_50_ms(
    cache: Cache, other: Cache, clock: FakeClock
) -> None:
    mine, its = cache.open(PRICES), other.open(PRICES)
    mine.set("NIFTY", NIFTY)
    assert [its.get("NIFTY") for _ in range(3)] == [NIFTY] * 3  # its own first level has it now
    newer = Price(symbol="NIFTY", price=Decimal(1))

    mine.set("NIFTY", newer)
    clock.advance(LOOK)
    seen = its.get("NIFTY")
    mine.delete("NIFTY")
    clock.advance(LOOK)

    assert (seen, its.get("NIFTY"), mine.get("NIFTY")) == (newer, None, None)


def test_many_changes_at_once_are_seen_too(cache: Cache, other: Cache, clock: FakeClock) -> None:
    mine, its = cache.open(SLOW), other.open(SLOW)
    for number in range(700):
        mine.set(str(number), number)
    for _ in range(2):
        assert [its.get(str(number)) for number in range(700)] == list(range(700))

    for number in range(700):
        mine.set(str(number), -number)
    clock.advance(LOOK)

    assert [its.get(str(number)) for number in range(700)] == [-n for n in range(700)]


def test_computed_once_and_found_by_all(cache: Cache, other: Cache) -> None:
    compute = Counted(NIFTY)

    found = [
        each.open(PRICES).get_or_compute("NIFTY", compute)
        for each in (cache, other)
        for _ in range(3)
    ]

    assert found == [NIFTY] * 6
    assert compute.calls == 1


def test_that_there_is_nothing_is_known_for_a_while(
    cache: Cache, other: Cache, clock: FakeClock
) -> None:
    compute = Counted[Price | None](None)
    shelf = cache.open(PRICES)

    found = [shelf.get_or_compute("NOTHING", compute) for _ in range(3)]
    known = other.open(PRICES).look("NOTHING"), other.open(PRICES).look("ELSE")
    clock.advance(timedelta(seconds=10))
    shelf.get_or_compute("NOTHING", compute)

    assert found == [None] * 3
    assert known == (Found(None), None)
    assert compute.calls == 2


def test_a_tag_makes_all_entries_under_it_no_good(
    cache: Cache, other: Cache, clock: FakeClock
) -> None:
    shelf, its = cache.open(PRICES), other.open(PRICES)
    shelf.set("a", NIFTY, tags=["index", "nse"])
    shelf.set("b", NIFTY, tags=["share"])
    assert [its.get("a"), its.get("b")] * 2 == [NIFTY] * 4

    other.invalidate("nse")
    clock.advance(LOOK)

    assert [each.get(key) for each in (shelf, its) for key in "ab"] == [None, NIFTY] * 2
    shelf.set("a", NIFTY, tags=["index", "nse"])
    assert shelf.get("a") == NIFTY


def test_a_tag_that_falls_while_a_value_is_worked_out_is_not_missed(cache: Cache) -> None:
    shelf = cache.open(PRICES)
    compute = Counted(NIFTY, before=lambda: cache.invalidate("nse"))

    shelf.get_or_compute("a", compute, tags=["nse"])
    shelf.get_or_compute("a", compute, tags=["nse"])

    assert compute.calls == 2


def test_a_table_that_is_written_makes_what_depends_on_it_no_good(
    cache: Cache, other: Cache, database: Database, clock: FakeClock
) -> None:
    shelf, its = cache.open(LISTED), other.open(LISTED)
    compute = Counted(("NIFTY",))
    shelf.get_or_compute("all", compute)
    assert [its.get("all") for _ in range(3)] == [("NIFTY",)] * 3

    write_a_list(database, clock)
    clock.advance(LOOK)

    assert (shelf.get("all"), its.get("all")) == (None, None)
    shelf.get_or_compute("all", compute)
    assert compute.calls == 2
    assert its.get("all") == ("NIFTY",)


@pytest.mark.parametrize("table", ["Instruments", "CandleFiles"])
def test_no_way_to_write_a_table_is_missed(
    table: str, cache: Cache, database: Database, clock: FakeClock
) -> None:
    """By hand, past everything that is ours."""
    write_a_list(database, clock)
    shelf = cache.open(Shelf[int](name="by_hand", holds=int, fresh_seconds=60, tables=(table,)))
    counted = []
    for statement in (
        f'UPDATE "{table}" SET exchange = exchange',
        f'DELETE FROM "{table}"',
    ):
        compute = Counted(1)
        shelf.get_or_compute("x", compute)
        with database.engine.begin() as connection:
            connection.execute(text(statement))
        clock.advance(LOOK)
        shelf.get_or_compute("x", compute)
        counted.append(compute.calls)

    # SQLite's triggers are for rows: a statement that finds none has changed nothing.
    rows_there = table == "Instruments" or database.dialect != "sqlite"
    assert counted == ([2, 1] if rows_there else [1, 0])


def test_a_change_that_is_rolled_back_changes_nothing(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    shelf, compute = cache.open(LISTED), Counted(("NIFTY",))
    shelf.get_or_compute("all", compute)

    with database.connected() as connection:
        save_a_list(Transaction(connection, None), clock)
        connection.rollback()
    clock.advance(LOOK)
    shelf.get_or_compute("all", compute)

    assert compute.calls == 1


def test_folding_the_counts_of_changes_loses_none(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    for _ in range(3):
        write_a_list(database, clock)
    shelf, compute = cache.open(LISTED), Counted(("NIFTY",))
    shelf.get_or_compute("all", compute)

    cache.sweep()
    clock.advance(LOOK)
    shelf.get_or_compute("all", compute)
    with database.reading() as tx:
        [rows] = tx.connection.execute(text('SELECT count(*) FROM "CacheTableChanges"')).one()

    assert (compute.calls, rows) == (1, 1)


def test_a_value_may_not_be_worked_out_inside_a_transaction(
    cache: Cache, database: Database
) -> None:
    shelf = cache.open(PRICES)
    shelf.set("there", NIFTY)

    with database.transaction():
        assert shelf.get_or_compute("there", Counted(NIFTY)) == NIFTY
        with pytest.raises(TransactionOpenError, match="A cached value was worked out"):
            shelf.get_or_compute("else", Counted(NIFTY))


def test_a_value_that_does_not_fit_is_refused_and_one_that_was_worked_out_returned(
    cache: Cache,
) -> None:
    shelf = cache.open(SLOW)

    with pytest.raises(CacheValueUnfitError):
        shelf.set("x", "no number")  # type: ignore[arg-type]

    wrong: Counted[Any] = Counted("no number")
    found: object = shelf.get_or_compute("x", wrong)
    assert found == "no number"
    assert shelf.get("x") is None


def test_a_huge_value_is_refused_and_one_that_was_worked_out_returned(cache: Cache) -> None:
    huge = ["x" * 1_000_000]
    shelf = cache.open(WORDS)

    with pytest.raises(CacheValueTooLargeError, match="1000000 bytes at most"):
        shelf.set("x", huge)

    assert shelf.get_or_compute("x", Counted(huge)) == huge
    assert shelf.get("x") is None


def test_a_key_of_any_length_and_script_is_a_key(cache: Cache, other: Cache) -> None:
    shelf = cache.open(SLOW)
    keys = ["", "निफ्टी", "k" * 199, "k" * 5_000, "k" * 4_999 + "l", "a:b\nc\x1fd'\""]
    for number, key in enumerate(keys):
        shelf.set(key, number)

    assert [shelf.get(key) for key in keys] == list(range(len(keys)))
    assert [other.open(SLOW).get(key) for key in keys] == list(range(len(keys)))


def test_what_fails_is_told_to_who_asked_and_nothing_is_kept(cache: Cache) -> None:
    shelf = cache.open(SLOW)

    def fail() -> int:
        raise LookupError("not today")

    for _ in range(2):
        with pytest.raises(LookupError, match="not today"):
            shelf.get_or_compute("x", fail)
    assert shelf.get_or_compute("x", Counted(3)) == 3


def test_whoever_works_it_out_may_ask_for_it_himself(cache: Cache) -> None:
    shelf = cache.open(SLOW)

    assert shelf.get_or_compute("x", lambda: shelf.get_or_compute("x", Counted(3)) + 1) in {3, 4}


def test_a_set_while_a_value_is_worked_out_stands(cache: Cache, other: Cache) -> None:
    shelf = cache.open(SLOW)
    its = other.open(SLOW)

    old = shelf.get_or_compute("x", Counted(1, before=lambda: its.set("x", 2)))
    deleted = shelf.get_or_compute("y", Counted(1, before=lambda: its.delete("y")))

    assert (old, shelf.get("x"), its.get("x")) == (1, 2, 2)
    assert (deleted, shelf.get("y"), its.get("y")) == (1, None, None)


def test_two_shelves_of_one_name_are_refused(cache: Cache) -> None:
    cache.open(PRICES)

    with pytest.raises(ValueError, match="two shelves"):
        cache.open(Shelf[int](name="prices", holds=int, fresh_seconds=1))
