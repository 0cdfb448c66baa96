"""The manifest of candle files on both databases: one current file a month, whoever writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clocks import FakeClock
from munshi.domain.market.candle_files import CandleKey, WrittenFile
from munshi.domain.market.intervals import Interval
from munshi.errors import CandleFilesConflictError
from munshi.infrastructure.database.candle_repository import CandleFile
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

NIFTY = CandleKey(
    mode=BrokerMode.SIMULATED,
    source="kite",
    exchange="NSE",
    instrument="NIFTY 50",
    interval=Interval.FIVE_MINUTES,
)
OTHER_SERIES = (
    replace(NIFTY, mode=BrokerMode.LIVE),
    replace(NIFTY, source="breeze"),
    replace(NIFTY, exchange="BSE"),
    replace(NIFTY, instrument="NIFTY BANK"),
    replace(NIFTY, interval=Interval.ONE_MINUTE),
)


def written(name: str, *, rows: int = 10, month: int = 11) -> WrittenFile:
    first = datetime(2026, month, 2, 3, 45, tzinfo=UTC)
    return WrittenFile(
        path=f"candles/{name}.parquet",
        sha256=name.ljust(64, "0"),
        rows=rows,
        first_open=first,
        last_open=first + timedelta(minutes=5 * (rows - 1)),
        bytes=rows * 16,
    )


def save(
    database: Database,
    file: WrittenFile,
    clock: FakeClock,
    *,
    key: CandleKey = NIFTY,
    month: str = "202611",
    replaces: CandleFile | None = None,
) -> CandleFile:
    with database.transaction() as tx:
        tx.candles.save_file(
            key,
            month,
            file,
            label="simulated kite",
            replaces=replaces.file_id if replaces else None,
            now=clock.now(),
        )
    with database.reading() as tx:
        return tx.candles.list_files(key, from_month=month, to_month=month)[0]


def test_a_saved_file_is_the_months_current_one(database: Database, clock: FakeClock) -> None:
    save(database, written("first"), clock)

    with database.reading() as tx:
        [found] = tx.candles.list_files(NIFTY)

    assert found.key == NIFTY
    assert (found.month, found.path, found.rows) == ("202611", "candles/first.parquet", 10)
    assert found.label == "simulated kite"


def test_months_are_listed_in_order_within_the_range(database: Database, clock: FakeClock) -> None:
    for month in (11, 9, 10, 8):
        save(database, written(f"m{month}", month=month), clock, month=f"2026{month:02}")

    with database.reading() as tx:
        found = tx.candles.list_files(NIFTY, from_month="202609", to_month="202610")

    assert [file.month for file in found] == ["202609", "202610"]


@pytest.mark.parametrize("other", OTHER_SERIES, ids=lambda key: f"{key.mode}-{key.source}")
def test_a_series_shows_no_file_of_another(
    database: Database, clock: FakeClock, other: CandleKey
) -> None:
    save(database, written("ours"), clock)
    save(database, written("theirs"), clock, key=other)

    with database.reading() as tx:
        found = tx.candles.list_files(other)

    assert [file.path for file in found] == ["candles/theirs.parquet"]


def test_a_replacement_is_the_only_current_file(database: Database, clock: FakeClock) -> None:
    first = save(database, written("first"), clock)

    save(database, written("second"), clock, replaces=first)

    with database.reading() as tx:
        found = tx.candles.list_files(NIFTY)
    assert [file.path for file in found] == ["candles/second.parquet"]


def test_the_second_to_replace_a_file_is_refused_and_changes_nothing(
    database: Database, clock: FakeClock
) -> None:
    first = save(database, written("first"), clock)
    save(database, written("second"), clock, replaces=first)

    with pytest.raises(CandleFilesConflictError, match="NSE:NIFTY 50 5minute of 202611"):
        save(database, written("late"), clock, replaces=first)

    with database.reading() as tx:
        found = tx.candles.list_files(NIFTY)
    assert [file.path for file in found] == ["candles/second.parquet"]


def test_the_second_first_file_of_a_month_is_refused(database: Database, clock: FakeClock) -> None:
    save(database, written("first"), clock)

    with pytest.raises(CandleFilesConflictError):
        save(database, written("also-first"), clock)

    with database.reading() as tx:
        found = tx.candles.list_files(NIFTY)
    assert [file.path for file in found] == ["candles/first.parquet"]


def test_a_series_is_summed_up_over_its_current_files(database: Database, clock: FakeClock) -> None:
    october = save(database, written("o1", rows=5, month=10), clock, month="202610")
    clock.advance(timedelta(hours=1))
    save(database, written("o2", rows=7, month=10), clock, month="202610", replaces=october)
    save(database, written("n", rows=3, month=11), clock, month="202611")
    save(database, written("other"), clock, key=OTHER_SERIES[1])

    with database.reading() as tx:
        found = tx.candles.list_series()

    [nifty] = [series for series in found if series.key == NIFTY]
    assert len(found) == 2
    assert (nifty.rows, nifty.files, nifty.bytes) == (10, 2, 160)
    assert nifty.first_open == datetime(2026, 10, 2, 3, 45, tzinfo=UTC)
    assert nifty.last_open == datetime(2026, 11, 2, 3, 55, tzinfo=UTC)
    assert nifty.fetched_at == clock.now()
    assert nifty.label == "simulated kite"


def test_only_current_files_are_in_use(database: Database, clock: FakeClock) -> None:
    first = save(database, written("first"), clock)
    save(database, written("second"), clock, replaces=first)
    save(database, written("other"), clock, key=OTHER_SERIES[0])

    with database.reading() as tx:
        paths = tx.candles.list_paths()

    assert paths == {"candles/second.parquet", "candles/other.parquet"}
