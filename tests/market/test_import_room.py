"""A disk that is full while candles are imported: one clear error, and nothing is lost."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from desks import TESTER, Desk, open_desk
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import HomeUnusableError
from munshi.market.candles import Stored
from munshi.settings import load_settings
from simulators import Simulator
from small_disks import small_disk_at

NIFTY = InstrumentRef("NSE", "NIFTY 50")
SMALL_BYTES = 1024 * 1024


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Path]:
    """A home on a disk of its own of a megabyte, where this user may mount one."""
    with small_disk_at(tmp_path / "small", size=SMALL_BYTES) as place:
        yield place


@pytest.fixture
def small_desk(small_home: Path, sqlite_url: str, simulator: Simulator) -> Iterator[Desk]:
    """Candles on the small disk, the database on another one."""
    settings = load_settings(
        _env_file=None, home=small_home, database_url=sqlite_url, env_file=small_home / ".env"
    )
    with open_desk(settings, simulator) as opened:
        yield opened


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(os.urandom(4096)):
            pass
    return filler


def file_of(desk: Desk, folder: Path, *days: date) -> Path:
    calendar = desk.services.calendar.calendar()
    segment = desk.services.instruments.find(NIFTY).segment
    stamps = [
        stamp for day in days for stamp in calendar.bar_opens(day, Interval.ONE_MINUTE, segment)
    ]
    rows = [f"NIFTY,{stamp:%Y-%m-%d %H:%M},{22_000 + n},23000,21000,22001"
            for n, stamp in enumerate(stamps)]  # fmt: skip
    path = folder / "nifty.csv"
    path.write_text("\n".join(["Instrument,Datetime,Open,High,Low,Close", *rows]) + "\n")
    return path


def take(desk: Desk, path: Path) -> Stored:
    report = desk.services.imports.import_file(path, progress=lambda *_: None, actor=TESTER)
    return report.series[0].stored[Interval.ONE_MINUTE]


def test_a_full_disk_loses_nothing_and_the_same_import_ends_what_was_begun(
    small_desk: Desk, small_home: Path, tmp_path: Path
) -> None:
    candles = small_desk.services.candles
    first, second = date(2024, 3, 1), date(2024, 3, 5)
    take(small_desk, file_of(small_desk, tmp_path, first))
    before = candles.page(NIFTY, Interval.ONE_MINUTE).frame
    both = file_of(small_desk, tmp_path, first, second)
    filler = fill(small_home)

    with pytest.raises(HomeUnusableError) as refused:
        take(small_desk, both)
    during = candles.page(NIFTY, Interval.ONE_MINUTE).frame
    left_over = list(small_home.rglob("*.tmp"))
    filler.unlink()
    stored = take(small_desk, both)
    after = candles.page(NIFTY, Interval.ONE_MINUTE, limit=1000).frame

    assert "No space left on device" in str(refused.value)
    assert refused.value.hint is not None
    assert "Make room" in refused.value.hint
    assert during.equals(before)
    assert left_over == []
    assert stored == Stored(added=375, changed=0, same=375)
    assert after["opens"].n_unique() == after.height == 750
