"""Who follows the trail gets every row once, in whatever order transactions commit."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from clocks import FakeClock
from munshi.domain.audit import Actor
from munshi.infrastructure.database.audit_queries import AuditFilter, AuditPlace
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha")
EVERYTHING = AuditFilter()


def write(database: Database, clock: FakeClock, *names: str) -> None:
    with database.transaction() as tx:
        for name in names:
            tx.audit.log("job", "made", entity_id=name, actor=ASHA, now=clock.now())


def here(database: Database) -> AuditPlace:
    with database.reading() as tx:
        return tx.audit.get_place()


def follow(
    database: Database, place: AuditPlace, *, limit: int = 100, chosen: AuditFilter = EVERYTHING
) -> tuple[list[str | None], AuditPlace]:
    """As a reader does that keeps its place as text between two looks."""
    with database.reading() as tx:
        entries, there = tx.audit.list_since(
            AuditPlace.from_text(place.to_text()), chosen, limit=limit
        )
    return [entry.entity_id for entry in entries], there


@pytest.fixture
def slowly(postgresql_database: Database, clock: FakeClock) -> Callable[[str], Callable[[], None]]:
    """Writes a row in a transaction that stays open until what it returns is called."""

    def begin(name: str) -> Callable[[], None]:
        written, may_end = threading.Event(), threading.Event()

        def run() -> None:
            with postgresql_database.transaction() as tx:
                tx.audit.log("job", "made", entity_id=name, actor=ASHA, now=clock.now())
                written.set()
                assert may_end.wait(30)

        thread = threading.Thread(target=run)
        thread.start()
        assert written.wait(30)

        def end() -> None:
            may_end.set()
            thread.join(30)

        return end

    return begin


def test_nothing_new_is_nothing_and_what_comes_is_given_once(
    database: Database, clock: FakeClock
) -> None:
    write(database, clock, "old")
    place = here(database)

    nothing, place = follow(database, place)
    write(database, clock, "a", "b")
    both, place = follow(database, place)
    none, _ = follow(database, place)

    assert (nothing, both, none) == ([], ["a", "b"], [])


def test_more_than_one_answer_holds_comes_in_parts_without_gap(
    database: Database, clock: FakeClock
) -> None:
    place = here(database)
    write(database, clock, *"abcde")

    first, place = follow(database, place, limit=2)
    write(database, clock, "f")
    second, place = follow(database, place, limit=2)
    third, place = follow(database, place, limit=2)
    fourth, _ = follow(database, place, limit=2)

    assert first + second + third + fourth == list("abcdef")


def test_a_filter_narrows_what_is_followed(database: Database, clock: FakeClock) -> None:
    place = here(database)
    write(database, clock, "a", "b")

    found, _ = follow(database, place, chosen=AuditFilter(entity_type="job", entity_id="b"))

    assert found == ["b"]


def test_a_slow_transactions_row_comes_when_it_commits_and_holds_up_no_other(
    postgresql_database: Database, clock: FakeClock, slowly: Callable[[str], Callable[[], None]]
) -> None:
    place = here(postgresql_database)
    end = slowly("slow")
    write(postgresql_database, clock, "quick")

    before, place = follow(postgresql_database, place)
    end()
    write(postgresql_database, clock, "later")
    after, place = follow(postgresql_database, place)
    none, _ = follow(postgresql_database, place)

    assert (before, after, none) == (["quick"], ["slow", "later"], [])


def test_a_slow_transaction_that_ends_between_two_parts_is_not_lost(
    postgresql_database: Database, clock: FakeClock, slowly: Callable[[str], Callable[[], None]]
) -> None:
    place = here(postgresql_database)
    end = slowly("slow")
    write(postgresql_database, clock, *"abc")

    first, place = follow(postgresql_database, place, limit=2)
    end()
    second, place = follow(postgresql_database, place, limit=2)
    third, _ = follow(postgresql_database, place, limit=2)

    assert (first, second, third) == (["a", "b"], ["c"], ["slow"])


def test_pages_hold_every_row_that_was_there_once_while_slow_rows_arrive(
    postgresql_database: Database, clock: FakeClock, slowly: Callable[[str], Callable[[], None]]
) -> None:
    for name in "ab":
        write(postgresql_database, clock, name)
        clock.advance(timedelta(seconds=1))
    end = slowly("slow")
    for name in "cd":
        clock.advance(timedelta(seconds=1))
        write(postgresql_database, clock, name)

    with postgresql_database.reading() as tx:
        first = tx.audit.list_logs(EVERYTHING, limit=2)
    end()
    last = first[-1]
    older = replace(EVERYTHING, before=(last.timestamp, last.audit_id))
    with postgresql_database.reading() as tx:
        rest = tx.audit.list_logs(older, limit=9)

    shown = [entry.entity_id for entry in (*first, *rest)]
    assert [name for name in shown if name != "slow"] == list("dcba")
    assert len(set(shown)) == len(shown)


def test_rows_restored_from_another_cluster_are_not_given_again_and_again(
    postgresql_database: Database, clock: FakeClock
) -> None:
    write(postgresql_database, clock, "restored")
    with postgresql_database.transaction() as tx:
        tx.connection.exec_driver_sql('ALTER TABLE "AuditLogs" DISABLE TRIGGER USER')
        tx.connection.exec_driver_sql("UPDATE \"AuditLogs\" SET transaction_id = '999999999'")
        tx.connection.exec_driver_sql('ALTER TABLE "AuditLogs" ENABLE TRIGGER USER')
    place = here(postgresql_database)

    nothing, place = follow(postgresql_database, place)
    write(postgresql_database, clock, "new")
    found, _ = follow(postgresql_database, place)

    assert (nothing, found) == ([], ["new"])


def test_a_place_in_another_clusters_time_goes_on_by_the_last_id(
    postgresql_database: Database, clock: FakeClock
) -> None:
    write(postgresql_database, clock, "given")
    place = replace(here(postgresql_database), base="900000000:900000000:")
    write(postgresql_database, clock, *"abc")

    first, place = follow(postgresql_database, place, limit=2)
    second, place = follow(postgresql_database, place, limit=2)
    write(postgresql_database, clock, "d")
    third, _ = follow(postgresql_database, place)

    assert (first, second, third) == (["a", "b"], ["c"], ["d"])


@pytest.mark.parametrize(
    "said",
    [
        "",
        "1",
        "1/0/0",
        "x/0/0//",
        "1/0/0/'/",
        "1/0/0//" + "1" * 5000,
        "9999999999999999999/0/0//",
        "1/0/0/5/",
        "1/0/0/5:4:/",
        "1/0/0/0:4:/",
        "1/0/0/3:9:9/",
        "1/0/0/3:9:5,4/",
        "1/0/0/3:9:,/",
        "1/0/0/3:9::/",
        "1/0/0/3:9999999999999999999:/",
    ],
)
def test_a_place_that_was_never_given_out_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="place"):
        AuditPlace.from_text(said)


@pytest.mark.parametrize("snapshot", ["3:3:", "3:9:", "3:9:3", "3:9:4,5,8"])
def test_what_is_taken_for_a_snapshot_is_one_to_the_server(
    postgresql_database: Database, snapshot: str
) -> None:
    place = AuditPlace.from_text(f"0/0/0/{snapshot}/")

    found, _ = follow(postgresql_database, place)

    assert found == []
