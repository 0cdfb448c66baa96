"""The monthly care, on both databases."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from clocks import FakeClock
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.maintenance import MB, CareReport, care_for
from munshi.infrastructure.database.models import cache_entries, metadata
from munshi.infrastructure.database.sqlite_files import wal_bytes


def care(database: Database, *, much_free_bytes: int = 100 * MB) -> CareReport:
    return care_for(database, progress=lambda *_: None, much_free_bytes=much_free_bytes)


def fill(database: Database, clock: FakeClock, *, rows: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            insert(cache_entries),
            [
                {
                    "cache_key": f"{number}-{uuid4()}",
                    "cache_value": os.urandom(2000),
                    "expires_at": clock.now(),
                    "created_at": clock.now(),
                    "namespace": "test",
                    "codec": "json",
                    "size_bytes": 2000,
                }
                for number in range(rows)
            ],
        )


def empty(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text('DELETE FROM "CacheEntries"'))


def test_every_table_is_cared_for_and_counted(database: Database, clock: FakeClock) -> None:
    fill(database, clock, rows=300)
    steps: list[tuple[float, str]] = []

    report = care_for(database, progress=lambda percent, said: steps.append((percent, said)))
    tables = {each.table: each for each in report.tables}

    assert set(tables) == set(metadata.tables)
    assert tables["CacheEntries"].rows == 300
    assert tables["Alerts"].rows == 0
    size = tables["CacheEntries"].bytes
    assert size is None or size > 300 * 2000
    assert report.bytes is not None
    assert report.bytes > 300 * 2000
    assert report.advice == []
    assert len(report.done) >= 1
    percents = [percent for percent, _ in steps]
    assert percents == sorted(percents)
    assert 0 < percents[0] < percents[-1] <= 100


def test_statistics_are_there_afterwards(database: Database, clock: FakeClock) -> None:
    fill(database, clock, rows=50)

    care(database)

    with database.engine.connect() as connection:
        known = connection.execute(
            text("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'CacheEntries'")
            if database.dialect == "sqlite"
            else text(
                "SELECT count(*) FROM pg_stat_user_tables "
                "WHERE relname = 'CacheEntries' AND analyze_count = 1 AND vacuum_count = 1"
            )
        ).scalar_one()
    assert known >= 1


def test_it_may_run_while_others_write(database: Database, clock: FakeClock) -> None:
    def write(_: float, __: str) -> None:
        fill(database, clock, rows=1)

    report = care_for(database, progress=write)

    assert report.advice == []


def test_the_write_ahead_log_is_folded_into_the_file(
    sqlite_database: Database, clock: FakeClock
) -> None:
    fill(sqlite_database, clock, rows=100)
    before = wal_bytes(sqlite_database)

    report = care(sqlite_database)

    assert before is not None
    assert before > 0
    assert wal_bytes(sqlite_database) == 0
    assert report.is_intact is True


def test_a_reader_that_does_not_end_is_reported(
    sqlite_database: Database, clock: FakeClock
) -> None:
    fill(sqlite_database, clock, rows=10)
    with sqlite_database.reading() as tx:
        tx.connection.execute(text('SELECT count(*) FROM "CacheEntries"'))
        fill(sqlite_database, clock, rows=10)

        report = care(sqlite_database)

    assert any("held by a reader" in each for each in report.advice)


def test_a_file_is_rewritten_only_if_there_is_much_to_win(
    sqlite_database: Database, clock: FakeClock
) -> None:
    fill(sqlite_database, clock, rows=2000)
    empty(sqlite_database)
    modest = care(sqlite_database)
    path = Path(str(sqlite_database.url.database))
    large = path.stat().st_size
    thorough = care(sqlite_database, much_free_bytes=MB)

    assert any("was not rewritten" in each for each in modest.done)
    assert any("were given back" in each for each in thorough.done)
    assert path.stat().st_size < large / 2


def test_a_damaged_file_is_told_and_left_as_it_is(
    sqlite_database: Database, clock: FakeClock
) -> None:
    fill(sqlite_database, clock, rows=500)
    with sqlite_database.engine.begin() as connection:
        at = connection.execute(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'CacheEntries'")
        ).scalar_one()
        size = connection.execute(text("PRAGMA page_size")).scalar_one()
    care(sqlite_database)  # folds the log in, so that the file is what counts
    sqlite_database.close()
    with Path(str(sqlite_database.url.database)).open("r+b") as file:
        file.seek((at - 1) * size)
        file.write(b"\xff" * 64)

    report = care(sqlite_database, much_free_bytes=0)

    assert report.is_intact is False
    assert any("damaged" in each for each in report.done)
    assert any("restore" in each for each in report.advice)
    assert not any("given back" in each for each in report.done)


def test_an_invalid_index_is_told_with_what_mends_it(
    postgresql_database: Database, clock: FakeClock
) -> None:
    fill(postgresql_database, clock, rows=2)
    alone = postgresql_database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(
            text('CREATE UNIQUE INDEX CONCURRENTLY half_made ON "CacheEntries" (namespace)')
        )

    report = care(postgresql_database)

    [advice] = report.advice
    assert advice.startswith("The index half_made is invalid.")
    assert 'REINDEX INDEX CONCURRENTLY "half_made"' in advice


def test_dead_rows_are_counted_and_cleaned(postgresql_database: Database, clock: FakeClock) -> None:
    fill(postgresql_database, clock, rows=12_000)
    empty(postgresql_database)
    with postgresql_database.engine.begin() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))

    report = care(postgresql_database)
    [table] = [each for each in report.tables if each.table == "CacheEntries"]

    assert "it had 12000 dead rows" in table.done
    assert any("autovacuum does not keep up" in each for each in report.advice)
    assert care(postgresql_database).advice == []
