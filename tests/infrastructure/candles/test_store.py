"""Stored candle files: whole, named by content, the same for the same rows."""

import hashlib
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from made_candles import candle, ist, minutes
from munshi.domain.market.candle_files import CandleKey, WrittenFile
from munshi.domain.market.intervals import Interval
from munshi.errors import CandleFileDamagedError, HomeUnusableError
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA, to_frame
from munshi.infrastructure.candles.store import CandleStore
from munshi.settings import BrokerMode

KEY = CandleKey(
    mode=BrokerMode.SIMULATED,
    source="kite",
    exchange="NSE",
    instrument="NIFTY 50",
    interval=Interval.FIVE_MINUTES,
)
JANUARY = minutes("2024-01-01 09:15", count=75, step=5)
FEBRUARY = minutes("2024-02-05 09:15", count=75, step=5)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path)


def files_under(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def age(path: Path, *, days: float) -> None:
    then = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))


def test_a_month_is_written_where_the_layout_says(store: CandleStore, tmp_path: Path) -> None:
    written = store.write_month(KEY, "202401", JANUARY)

    content = (tmp_path / written.path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert written == WrittenFile(
        path=f"candles/simulated/kite/NSE/NIFTY%2050/5minute/202401-{digest[:12]}.parquet",
        sha256=digest,
        rows=75,
        first_open=ist("2024-01-01 09:15").astimezone(UTC),
        last_open=ist("2024-01-01 15:25").astimezone(UTC),
        bytes=len(content),
    )
    assert files_under(tmp_path) == [written.path]


def test_equal_rows_give_equal_bytes_however_they_came_together(tmp_path: Path) -> None:
    pieces = [JANUARY[:1], JANUARY[1:40], JANUARY[40:]]
    random.shuffle(pieces)

    one = CandleStore(tmp_path / "one").write_month(KEY, "202401", JANUARY)
    other = CandleStore(tmp_path / "other").write_month(
        KEY, "202401", pl.concat(pieces, rechunk=False).sort("opens")
    )

    assert one == other


def test_what_is_written_is_read_back(store: CandleStore) -> None:
    files = [store.write_month(KEY, "202402", FEBRUARY), store.write_month(KEY, "202401", JANUARY)]

    everything = store.read(
        [file.path for file in files], start=ist("2024-01-01"), end=ist("2024-03-01")
    )

    assert everything.equals(pl.concat([JANUARY, FEBRUARY]))


def test_reading_includes_the_start_and_stops_before_the_end(store: CandleStore) -> None:
    file = store.write_month(KEY, "202401", JANUARY)

    found = store.read([file.path], start=ist("2024-01-01 09:20"), end=ist("2024-01-01 09:30"))

    assert found.equals(JANUARY[1:3])


def test_no_files_read_as_no_candles(store: CandleStore) -> None:
    found = store.read([], start=ist("2024-01-01"), end=ist("2024-02-01"))

    assert found.is_empty()
    assert found.schema == CANDLE_SCHEMA


def test_writing_the_same_month_again_leaves_the_file_as_it_is(
    store: CandleStore, tmp_path: Path
) -> None:
    first = store.write_month(KEY, "202401", JANUARY)
    inode = (tmp_path / first.path).stat().st_ino

    second = store.write_month(KEY, "202401", JANUARY)

    assert second == first
    assert (tmp_path / first.path).stat().st_ino == inode


def test_a_damaged_file_is_replaced_when_its_month_is_written_again(
    store: CandleStore, tmp_path: Path
) -> None:
    file = store.write_month(KEY, "202401", JANUARY)
    (tmp_path / file.path).write_bytes(b"PAR1")

    store.write_month(KEY, "202401", JANUARY)

    store.verify(file.path, sha256=file.sha256)


@pytest.mark.parametrize(
    ("frame", "month", "why"),
    [
        (JANUARY, "202402", "Not all candles are of 202402"),
        (JANUARY.reverse(), "202401", "not in order"),
        (pl.concat([JANUARY, JANUARY[-1:]]), "202401", "each stamp once"),
        (JANUARY[:0], "202401", "No candles"),
        (JANUARY.drop("oi"), "202401", "Not the candle schema"),
        (JANUARY.with_columns(close=pl.lit(None, dtype=pl.Int64)), "202401", "empty cells"),
    ],
)
def test_a_frame_that_is_not_one_whole_month_is_refused(
    store: CandleStore, tmp_path: Path, frame: pl.DataFrame, month: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        store.write_month(KEY, month, frame)

    assert files_under(tmp_path) == []


def test_a_daily_bar_of_the_first_is_filed_in_its_indian_month(store: CandleStore) -> None:
    file = store.write_month(KEY, "202402", to_frame([candle(ist("2024-02-01 00:00"))]))

    assert "/202402-" in file.path


def test_a_source_that_could_leave_the_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="not a source"):
        CandleKey(
            mode=BrokerMode.LIVE,
            source="../kite",
            exchange="NSE",
            instrument="NIFTY 50",
            interval=Interval.ONE_DAY,
        )


@pytest.mark.parametrize("damage", [b"", b"PAR1 but no more", None])
def test_a_lost_or_damaged_file_is_named_when_read(
    store: CandleStore, tmp_path: Path, damage: bytes | None
) -> None:
    file = store.write_month(KEY, "202401", JANUARY)
    path = tmp_path / file.path
    path.unlink() if damage is None else path.write_bytes(damage)

    with pytest.raises(CandleFileDamagedError, match=file.path):
        store.read([file.path], start=ist("2024-01-01"), end=ist("2024-02-01"))


def test_a_file_of_something_else_is_refused_when_read(store: CandleStore, tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")

    with pytest.raises(CandleFileDamagedError, match="other columns"):
        store.read(["other.parquet"], start=ist("2024-01-01"), end=ist("2024-02-01"))


def test_one_flipped_bit_is_found_by_verifying(store: CandleStore, tmp_path: Path) -> None:
    file = store.write_month(KEY, "202401", JANUARY)
    store.verify(file.path, sha256=file.sha256)
    content = bytearray((tmp_path / file.path).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / file.path).write_bytes(content)

    with pytest.raises(CandleFileDamagedError, match="differs"):
        store.verify(file.path, sha256=file.sha256)


def test_verifying_a_lost_file_says_so(store: CandleStore) -> None:
    with pytest.raises(CandleFileDamagedError, match="cannot be read"):
        store.verify("candles/gone.parquet", sha256="0" * 64)


def test_only_old_files_that_nobody_names_are_collected(store: CandleStore, tmp_path: Path) -> None:
    named = store.write_month(KEY, "202401", JANUARY).path
    replaced = store.write_month(KEY, "202401", JANUARY[:10]).path
    fresh = store.write_month(KEY, "202401", JANUARY[:20]).path
    left_by_kill = f"candles/simulated/.202401-{'0' * 12}.parquet.{'a' * 32}.tmp"
    foreign = "candles/simulated/notes.parquet"
    for name in (left_by_kill, foreign):
        (tmp_path / name).write_bytes(b"PAR1")
    for name in (named, replaced, left_by_kill, foreign):
        age(tmp_path / name, days=1.1)
    age(tmp_path / fresh, days=0.9)

    deleted = store.collect_unreferenced({named}, older_than=NOW - timedelta(days=1))

    assert sorted(deleted) == sorted([replaced, left_by_kill])
    assert files_under(tmp_path) == sorted([named, fresh, foreign])


def test_an_old_file_written_again_is_young_again(store: CandleStore, tmp_path: Path) -> None:
    file = store.write_month(KEY, "202401", JANUARY)
    age(tmp_path / file.path, days=30)

    store.write_month(KEY, "202401", JANUARY)

    assert store.collect_unreferenced(set(), older_than=NOW - timedelta(days=1)) == ()


def test_a_file_just_replaced_is_kept_for_those_who_are_reading_it(
    store: CandleStore, tmp_path: Path
) -> None:
    old = store.write_month(KEY, "202401", JANUARY[:10]).path
    age(tmp_path / old, days=30)

    new = store.write_month(KEY, "202401", JANUARY, replacing=old).path

    assert store.collect_unreferenced({new}, older_than=NOW - timedelta(days=1)) == ()


def test_a_lost_file_can_be_replaced(store: CandleStore, tmp_path: Path) -> None:
    old = store.write_month(KEY, "202401", JANUARY[:10]).path
    (tmp_path / old).unlink()

    new = store.write_month(KEY, "202401", JANUARY, replacing=old)

    store.verify(new.path, sha256=new.sha256)


def test_collecting_in_an_empty_home_deletes_nothing(store: CandleStore) -> None:
    assert store.collect_unreferenced(set(), older_than=NOW) == ()


def test_a_home_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "candles").write_text("a file where the folder should be")

    with pytest.raises(HomeUnusableError, match="MUNSHI_HOME"):
        CandleStore(tmp_path).write_month(KEY, "202401", JANUARY)
