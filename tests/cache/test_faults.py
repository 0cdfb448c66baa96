"""A cache that is damaged, full, locked or away is an empty one; it never fails who asks."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from caches import PRICES, SLOW, WORDS, Counted, Price, open_cache
from clocks import FakeClock
from munshi.cache.cache import Cache
from munshi.cache.service import CacheService
from munshi.cache.shelf import Shelf
from munshi.cache.sweeper import CACHE_FULL
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import CACHE, MOST_MB
from munshi.errors import CacheValueTooLargeError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url

NIFTY = Price(symbol="NIFTY", price=Decimal("24123.45"))
TESTER = Actor(user_id="tester")
BLOBS = Shelf[bytes](name="blobs", holds=bytes, fresh_seconds=3600)
LOOK = timedelta(milliseconds=51)


@pytest.fixture
def cache(database: Database, clock: FakeClock) -> Iterator[Cache]:
    with open_cache(database, clock) as opened:
        yield opened


def run(database: Database, statement: str, **values: object) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(statement), values)


def stored_value(database: Database) -> bytes:
    with database.engine.connect() as connection:
        value = connection.execute(text('SELECT cache_value FROM "CacheEntries"')).scalar_one()
    return bytes(value)


@pytest.mark.parametrize("place", [0, 1, 2, 5, 9, 30, 43, -1])
def test_a_value_of_which_a_byte_has_changed_is_worked_out_anew_and_told(
    place: int, cache: Cache, database: Database, clock: FakeClock
) -> None:
    cache.open(PRICES).get_or_compute("NIFTY", Counted(NIFTY))
    damaged = bytearray(stored_value(database))
    damaged[place] ^= 0x01
    run(database, 'UPDATE "CacheEntries" SET cache_value = :value', value=bytes(damaged))

    with open_cache(database, clock) as other:
        compute = Counted(NIFTY)
        found = [other.open(PRICES).get_or_compute("NIFTY", compute) for _ in range(3)]
        status = CacheService(database, clock, other).status()

    assert found == [NIFTY] * 3
    assert compute.calls == 1
    [prices] = [each for each in status.shelves if each.name == "prices"]
    assert prices.today.damaged >= 1


@pytest.mark.parametrize("value", [b"", b"\x01", b"old style"])
def test_a_value_that_is_none_of_ours_is_a_miss(
    value: bytes, cache: Cache, database: Database, clock: FakeClock
) -> None:
    cache.open(PRICES).set("NIFTY", NIFTY)
    run(database, 'UPDATE "CacheEntries" SET cache_value = :value', value=value)

    with open_cache(database, clock) as other:
        assert other.open(PRICES).get("NIFTY") is None


@pytest.mark.parametrize("earlier", [{"codec": "json"}, {"holds": dict[str, str]}])
def test_what_another_version_wrote_in_another_way_is_a_miss(
    earlier: dict[str, object], database: Database, clock: FakeClock
) -> None:
    old = Shelf[object](
        **{"name": "prices", "holds": Price, "fresh_seconds": 60, **earlier}  # type: ignore[arg-type]
    )
    with open_cache(database, clock) as before:
        value = NIFTY if "codec" in earlier else {"symbol": "NIFTY"}
        before.open(old).set("NIFTY", value)

    with open_cache(database, clock) as after:
        found = (
            after.open(PRICES).get("NIFTY"),
            after.open(PRICES).get_or_compute("NIFTY", Counted(NIFTY)),
        )

    assert found == (None, NIFTY)


def test_a_clock_that_is_put_back_makes_entries_of_the_future_no_good(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    cache.open(PRICES).set("NIFTY", NIFTY)
    clock.set(clock.now() - timedelta(hours=1))

    with open_cache(database, clock) as other:
        before = other.open(PRICES).get("NIFTY")
        compute = Counted(NIFTY)
        found = [other.open(PRICES).get_or_compute("NIFTY", compute) for _ in range(2)]

    assert (before, found, compute.calls) == (None, [NIFTY] * 2, 1)


def test_a_clock_that_is_put_forward_ends_entries_and_nothing_else(
    cache: Cache, clock: FakeClock
) -> None:
    shelf = cache.open(PRICES)
    shelf.set("NIFTY", NIFTY)
    clock.set(clock.now() + timedelta(hours=1))
    clock.advance(LOOK)

    compute = Counted(NIFTY)
    found = [shelf.get_or_compute("NIFTY", compute) for _ in range(3)]

    assert (found, compute.calls) == ([NIFTY] * 3, 1)


def test_a_lease_of_the_far_future_stops_nobody(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    with open_cache(database, clock) as other:
        dead = other._leases.take("prices:NIFTY")  # noqa: SLF001 - as one that was killed left it
    clock.set(clock.now() - timedelta(hours=1))

    assert dead is not None
    assert cache.open(PRICES).get_or_compute("NIFTY", Counted(NIFTY)) == NIFTY


def test_a_database_that_another_writes_to_is_read_and_not_waited_for(
    sqlite_database: Database, clock: FakeClock
) -> None:
    with open_cache(sqlite_database, clock) as cache:
        shelf = cache.open(SLOW)
        shelf.set("there", 1)
        with closing(sqlite3.connect(str(sqlite_database.url.database))) as locking:
            locking.execute("BEGIN IMMEDIATE")

            there = shelf.get("there")
            found = shelf.get_or_compute("new", Counted(2))
            shelf.set("set", 3)
            locking.rollback()

        assert (there, found) == (1, 2)
        assert (shelf.get("new"), shelf.get("set")) == (None, None)
        shelf.set("set", 3)
        assert shelf.get("set") == 3


def test_a_table_that_another_locks_is_not_waited_for_long(
    postgresql_database: Database, clock: FakeClock
) -> None:
    with open_cache(postgresql_database, clock) as cache:
        shelf = cache.open(SLOW)
        shelf.set("there", 1)
        with postgresql_database.engine.begin() as locking:
            locking.execute(text('LOCK TABLE "CacheEntries", "CacheLeases", "CacheState"'))
            clock.advance(LOOK)

            found = [shelf.get_or_compute(key, Counted(2)) for key in ("there", "new")]
        clock.advance(timedelta(seconds=2))

        assert found == [2, 2]
        assert shelf.get("there") == 1


def test_connections_that_the_server_ended_are_opened_again(
    postgresql_database: Database, clock: FakeClock
) -> None:
    with open_cache(postgresql_database, clock) as cache:
        shelf = cache.open(SLOW)
        shelf.set("there", 1)
        with postgresql_database.transaction() as tx:
            tx.connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        clock.advance(LOOK)

        lost = shelf.get_or_compute("there", Counted(2))
        clock.advance(timedelta(seconds=2))

        assert (lost, shelf.get("there")) == (2, 1)


def test_without_a_database_values_are_worked_out(tmp_path: Path, clock: FakeClock) -> None:
    nowhere = parse_database_url(f"sqlite:///{tmp_path}/no/such/folder.db", home=tmp_path)
    with closing(Database(nowhere)) as gone, open_cache(gone, clock) as cache:
        compute = Counted(3)
        shelf = cache.open(SLOW)

        assert [shelf.get_or_compute("x", compute) for _ in range(2)] == [3, 3]
        assert shelf.get("x") is None
        shelf.set("x", 4)
        shelf.delete("x")


def fill(cache: Cache, count: int, *, size: int = 100_000) -> None:
    shelf = cache.open(BLOBS)
    for number in range(count):
        shelf.set(str(number), bytes(size))


def allow_one_mb(database: Database, clock: FakeClock) -> None:
    ConfigService(database, clock).set(CACHE, MOST_MB, 1, actor=TESTER)


def test_a_full_cache_drops_what_was_used_least_lately(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    allow_one_mb(database, clock)
    shelf = cache.open(BLOBS)
    fill(cache, 9)
    clock.advance(timedelta(seconds=10))
    for _ in range(3):
        shelf.get("0")
    cache.save_counts()

    for number in range(9, 11):
        shelf.set(str(number), bytes(100_000))
    cache.sweep()
    clock.advance(LOOK)
    status = CacheService(database, clock, cache).status()

    assert status.stored.bytes <= 1_000_000
    assert shelf.get("0") is not None
    assert shelf.get("1") is None
    [blobs] = [each for each in status.shelves if each.name == "blobs"]
    assert blobs.today.evicted >= 2
    with database.reading() as tx:
        assert tx.alerts.list_open_alerts() == []


def test_nothing_is_written_past_a_full_cache(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    allow_one_mb(database, clock)
    cache.sweep()

    with pytest.raises(CacheValueTooLargeError, match="no room"):
        fill(cache, 30)
    status = CacheService(database, clock, cache).status()
    found = cache.open(BLOBS).get_or_compute("one more", Counted(bytes(100_000)))

    assert status.stored.bytes <= 1_260_000
    assert len(found) == 100_000


def test_an_eviction_that_makes_no_progress_is_told_until_it_does(
    cache: Cache, database: Database, clock: FakeClock
) -> None:
    fill(cache, 20)
    allow_one_mb(database, clock)
    refuse(database)

    cache.sweep()
    with database.reading() as tx:
        [alert] = tx.alerts.list_open_alerts()
    still = cache.open(SLOW).get_or_compute("x", Counted(3))
    allow(database)
    cache.sweep()

    assert alert.fingerprint == CACHE_FULL
    assert "2.0 MB, more than the 1 MB of cache/most_mb" in alert.title
    assert "removing failed" in alert.title
    assert still == 3
    with database.reading() as tx:
        assert tx.alerts.list_open_alerts() == []
        assert tx.cache.get_size().bytes <= 1_000_000


def refuse(database: Database) -> None:
    """Have every deletion of an entry fail, as a damaged index or a stray trigger would."""
    if database.dialect == "sqlite":
        run(
            database,
            'CREATE TRIGGER refuse BEFORE DELETE ON "CacheEntries" '
            "BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
        )
        return
    run(
        database,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not allowed'; END $$",
    )
    run(
        database,
        'CREATE TRIGGER refuse BEFORE DELETE ON "CacheEntries" '
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
    )


def allow(database: Database) -> None:
    of = "" if database.dialect == "sqlite" else ' ON "CacheEntries"'
    run(database, f"DROP TRIGGER refuse{of}")


def test_expired_entries_go_by_and_by(cache: Cache, database: Database, clock: FakeClock) -> None:
    words = cache.open(WORDS)
    for number in range(450):
        words.set(str(number), ["x"])
    clock.advance(timedelta(seconds=61))
    words.set("fresh", ["x"])

    cache.sweep()

    with database.reading() as tx:
        assert tx.cache.get_size().entries == 1
