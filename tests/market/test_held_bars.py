"""What is held of each day is told by the manifest; a file is opened only where it says nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from desks import Desk
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.intervals import Interval

ASKED = CollectionParams(
    broker=Service.KITE,
    instruments=("NSE:NIFTY 50", "NSE:NIFTY BANK"),
    interval=Interval.FIVE_MINUTES,
    start=date(2026, 10, 26),
    end=date(2026, 11, 19),
)


def collect(desk: Desk) -> dict[str, Any]:
    return desk.services.collection.collect(ASKED, progress=lambda *_: None)


def days_held(desk: Desk) -> list[int]:
    return [part["days_held"] for part in desk.services.collection.plan(ASKED)["instruments"]]


def files(desk: Desk) -> list[Path]:
    return sorted((desk.services.settings.home / "candles").rglob("202610-*.parquet"))


@pytest.fixture
def days(desk: Desk) -> int:
    """Both series whole; the trading days of the range."""
    desk.log_in(Service.KITE)
    collect(desk)
    return len(desk.services.calendar.calendar().trading_days(ASKED.start, ASKED.end))


def test_a_plan_opens_no_file(desk: Desk, days: int) -> None:
    for path in files(desk):
        path.write_bytes(b"x" * path.stat().st_size)

    assert days_held(desk) == [days, days]


def _delete(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [_delete, _cut])
def test_a_month_whose_file_is_gone_or_cut_is_asked_for_again(
    desk: Desk, days: int, harm: Callable[[Path], None]
) -> None:
    october = len(desk.services.calendar.calendar().trading_days(ASKED.start, date(2026, 10, 31)))
    harm(files(desk)[0])

    assert days_held(desk) == [days - october, days]
    assert collect(desk)["requests"] == 1
    assert days_held(desk) == [days, days]


def test_files_stored_before_days_were_counted_are_read(desk: Desk, days: int) -> None:
    with desk.services.database.transaction() as tx:
        tx.connection.exec_driver_sql('UPDATE "CandleFiles" SET day_bars = NULL')

    assert days_held(desk) == [days, days]
    assert collect(desk)["requests"] == 0
