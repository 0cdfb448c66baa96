"""Slots, by every way to them: all limits at once or none, leases, and exact waits."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Thread

import pytest

from clocks import FakeClock
from munshi.domain.quotas import RatePool, day_ist
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.rate_slot_books import open_slot_book
from munshi.infrastructure.database.rate_slots import (
    Held,
    Moment,
    Need,
    Permits,
    Refused,
    Settled,
    SlotBook,
)
from munshi.infrastructure.database.rate_slots_core import RepositorySlots
from munshi.settings import BrokerMode

SIMULATED = BrokerMode.SIMULATED
OpenBook = Callable[[], SlotBook]


@pytest.fixture(params=["driver", "core"])
def open_book(request: pytest.FixtureRequest, database: Database, clock: FakeClock) -> OpenBook:
    """The database's own way, and the one that any database has."""
    if request.param == "core":
        return lambda: RepositorySlots(database, mode=SIMULATED)
    return lambda: open_slot_book(database, clock, mode=SIMULATED)


@pytest.fixture
def book(open_book: OpenBook) -> Iterator[SlotBook]:
    with closing(open_book()) as opened:
        yield opened


def make_pool(
    database: Database, clock: FakeClock, name: str, requests: int, *, daily: int | None = None
) -> Need:
    pool = RatePool(
        pool_id=0,
        name=name,
        requests=requests,
        seconds=1.0,
        daily=daily,
        kept=0,
        daily_kept=0,
        closed_until=clock.now() - timedelta(days=1),
        version=1,
        config_revision=0,
        worked_out_for=day_ist(clock.now()),
    )
    with database.transaction() as tx:
        assert tx.rate_pools.save_new_pool(pool, mode=SIMULATED, now=clock.now())
        [stored] = [p for p in tx.rate_pools.list_pools(mode=SIMULATED) if p.name == name]
        row = None
        if daily is not None:
            row = tx.rate_pools.open_day(name, day_ist(clock.now()), mode=SIMULATED)
    return Need(stored.pool_id, 1, 1.0, 0, 11.0, row, daily or 0)


def moment(clock: FakeClock) -> Moment:
    return Moment(clock.now(), clock.monotonic())


def claim(
    book: SlotBook, clock: FakeClock, *needs: Need, most: int = 1, settled: tuple[Settled, ...] = ()
) -> Permits | Refused:
    return book.claim(needs, most=most, settled=settled, moment=moment(clock))


def taken(database: Database, need: Need, now: datetime) -> int:
    with database.reading() as tx:
        return tx.rate_pools.count_taken(mode=SIMULATED, now=now)[need.pool_id][0]


def given(answer: Permits | Refused) -> Permits:
    assert isinstance(answer, list)
    return answer


def test_as_many_are_given_as_are_free(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "kite.other", 3)

    permits = given(claim(book, clock, need, most=5))

    assert sorted(held.slot for (held,) in permits) == [1, 2, 3]
    assert claim(book, clock, need) == Refused(need.pool_id, "slots", 1.0)


def test_a_settled_slot_says_exactly_how_long_to_wait(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "kite.quote", 1)
    [(held,)] = given(claim(book, clock, need))

    book.settle([Settled(held, clock.monotonic() + 0.75)], moment(clock))
    clock.advance(timedelta(seconds=0.5))
    refused = claim(book, clock, need)
    clock.advance(timedelta(seconds=0.25))

    assert refused == Refused(need.pool_id, "slots", 0.25)
    assert len(given(claim(book, clock, need))) == 1


def test_a_slot_whose_holder_is_gone_is_free_when_its_time_is_over(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "kite.quote", 1)
    claim(book, clock, need)

    clock.advance(timedelta(seconds=10.9))
    before = claim(book, clock, need)
    clock.advance(timedelta(seconds=0.1))

    assert isinstance(before, Refused)
    assert len(given(claim(book, clock, need))) == 1


def test_who_comes_back_too_late_settles_nothing(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "kite.quote", 1)
    [(late,)] = given(claim(book, clock, need))
    clock.advance(timedelta(seconds=20))
    claim(book, clock, need)

    answer = claim(book, clock, need, settled=(Settled(late, clock.monotonic()),))

    assert isinstance(answer, Refused)
    assert isinstance(claim(book, clock, need), Refused)


def test_a_call_takes_of_every_limit_or_of_none(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    wide = make_pool(database, clock, "breeze.api", 5, daily=9)
    narrow = make_pool(database, clock, "breeze.order", 2)

    permits = given(claim(book, clock, wide, narrow, most=4))
    refused = claim(book, clock, wide, narrow)

    assert [len(permit) for permit in permits] == [2, 2]
    assert refused == Refused(narrow.pool_id, "slots", 1.0)
    assert taken(database, wide, clock.now()) == 2
    with database.reading() as tx:
        assert tx.rate_pools.get_count(wide.day_row or 0) == 2


def test_the_day_is_never_overdrawn_and_refuses_without_a_slot(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "breeze.api", 9, daily=4)

    permits = given(claim(book, clock, need, most=6))
    refused = claim(book, clock, need)

    assert len(permits) == 4
    assert refused == Refused(need.pool_id, "day", 0.0)
    assert taken(database, need, clock.now()) == 4


def test_a_closed_limit_says_until_when_and_a_changed_one_that_it_has_changed(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "kite.other", 3)
    with database.transaction() as tx:
        until = clock.now() + timedelta(seconds=40)
        tx.rate_pools.close_pool(need.pool_id, until=until, now=clock.now())

    assert claim(book, clock, need) == Refused(need.pool_id, "closed", 40.0)
    clock.advance(timedelta(seconds=41))
    old = replace(need, version=0)
    assert claim(book, clock, old) == Refused(need.pool_id, "changed", 0.0)


def test_the_first_slots_are_kept_from_those_who_may_not_have_them(
    database: Database, book: SlotBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "breeze.api", 5)

    permits = given(claim(book, clock, replace(need, above=2), most=5))

    assert sorted(held.slot for (held,) in permits) == [3, 4, 5]


def test_many_at_once_never_take_a_slot_or_a_call_of_the_day_twice(
    database: Database, open_book: OpenBook, clock: FakeClock
) -> None:
    need = make_pool(database, clock, "breeze.api", 60, daily=45)
    got: list[Held] = []

    def work() -> None:
        book = open_book()
        for _ in range(20):
            answer = claim(book, clock, need, most=2)
            if isinstance(answer, list):
                got.extend(held for (held,) in answer)
        book.close()

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == len({held.slot for held in got}) == 45
