"""Candle files that changed on disk are found by their hash, and asked for again."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

import polars as pl
import pytest

from desks import TESTER, Desk
from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams, VerificationParams
from munshi.domain.jobs import DATA_VERIFICATION, JobState
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.faults import FaultKind

NIFTY, BANKNIFTY = "NSE:NIFTY 50", "NSE:NIFTY BANK"
WANTED = CollectionParams(
    broker=Service.KITE,
    instruments=(NIFTY, BANKNIFTY),
    interval=Interval.FIVE_MINUTES,
    start=date(2026, 10, 1),
    end=date(2026, 11, 20),
)


@pytest.fixture
def held(desk: Desk) -> Desk:
    """A desk with two months of two instruments: four files."""
    desk.log_in(Service.KITE)
    desk.services.collection.collect(WANTED, progress=lambda *_: None)
    return desk


def nobody_to_log_in(service: Service) -> NoReturn:
    raise AssertionError(f"{service} wants a login")


def verify(desk: Desk, *instruments: str, repair: bool = False) -> dict[str, Any]:
    params = VerificationParams(instruments=instruments, repair=repair)
    return desk.services.verifier.verify(
        params, progress=lambda *_: None, await_login=nobody_to_log_in
    )


def first_file(desk: Desk, ref: str = NIFTY) -> Path:
    file = desk.services.candles.list_files([InstrumentRef.parse(ref)])[0]
    return desk.services.settings.home / file.path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def replace_by_another(path: Path) -> None:
    other = next(one for one in sorted(path.parent.glob("*.parquet")) if one != path)
    path.write_bytes(other.read_bytes())


DAMAGES = pytest.mark.parametrize("damage", [flip, truncate, Path.unlink, replace_by_another])


def test_files_that_are_what_was_stored_are_said_to_be(held: Desk) -> None:
    report = verify(held)

    assert (report["files"], report["damaged"], report["findings"]) == (4, 0, [])
    assert report["bytes"] > 1000


@DAMAGES
def test_a_damaged_file_is_named_and_stays(held: Desk, damage: Callable[[Path], None]) -> None:
    path = first_file(held)
    damage(path)

    report = verify(held)

    [found] = report["findings"]
    assert (report["damaged"], found["month"], found["instrument"]) == (1, "202610", NIFTY)
    assert found["path"] in path.as_posix()
    assert found["outcome"] == "kept"
    assert verify(held)["damaged"] == 1


@DAMAGES
def test_a_damaged_file_is_asked_for_again(held: Desk, damage: Callable[[Path], None]) -> None:
    path = first_file(held)
    before = path.read_bytes()
    damage(path)

    report = verify(held, repair=True)

    [found] = report["findings"]
    assert (report["damaged"], report["repaired"]) == (0, 1)
    assert found["bars_after"] == found["bars_before"] > 0
    assert first_file(held).read_bytes() == before
    assert verify(held)["damaged"] == 0


def test_only_the_named_instruments_are_hashed(held: Desk) -> None:
    flip(first_file(held))

    assert verify(held, BANKNIFTY)["damaged"] == 0
    assert verify(held, NIFTY)["damaged"] == 1


def test_what_the_broker_does_not_give_again_stays_as_it_is(held: Desk) -> None:
    path = first_file(held)
    flip(path)
    damaged = path.read_bytes()
    held.simulator.fault(FaultKind.UNAVAILABLE, service="kite")

    report = verify(held, repair=True)

    assert report["damaged"] == 1
    assert "Kite" in report["findings"][0]["why_kept"]
    assert path.read_bytes() == damaged


def test_a_month_of_which_the_broker_has_less_now_stays_as_it_is(held: Desk) -> None:
    services = held.services
    [file, *_] = services.candles.list_files([InstrumentRef.parse(NIFTY)])
    bars = services.candles.read(
        file.key, start=datetime(2026, 10, 1, tzinfo=IST), end=datetime(2026, 11, 1, tzinfo=IST)
    )
    # A Sunday's bar: the broker does not have it.
    sunday = bars.head(1).with_columns(opens=pl.lit(datetime(2026, 10, 4, 4, tzinfo=UTC)))
    services.candles.save(file.key, sunday.select(bars.columns).cast(bars.schema), label="kite")
    path = first_file(held)
    flip(path)
    damaged = path.read_bytes()

    report = verify(held, repair=True)

    [found] = report["findings"]
    assert (report["damaged"], report["repaired"], found["outcome"]) == (1, 0, "kept")
    assert found["why_kept"] == (
        f"Kite gives only {bars.height:,} of its {bars.height + 1:,} bars now."
    )
    assert path.read_bytes() == damaged


def test_a_repair_waits_for_a_login_and_goes_on_after_it(held: Desk) -> None:
    flip(first_file(held))
    services = held.services
    held.simulator.fault(FaultKind.EXPIRED_TOKEN, service="kite")
    asked = {"instruments": [], "repair": True}
    job = services.jobs.enqueue(DATA_VERIFICATION, asked, actor=TESTER)
    services.worker().run_until_idle()
    paused = services.jobs.get(job.job_id)
    held.simulator.mend()

    held.log_in(Service.KITE)
    services.worker().run_until_idle()

    done = services.jobs.get(job.job_id)
    assert (paused.state, done.state) == (JobState.PAUSED, JobState.SUCCEEDED)
    assert done.result_data is not None
    assert done.result_data["repaired"] == 1


def test_a_file_that_was_imported_is_not_asked_of_a_broker(desk: Desk, tmp_path: Path) -> None:
    csv = tmp_path / "nifty.csv"
    csv.write_text(
        "datetime,open,high,low,close,volume\n2026-11-19 09:15:00+05:30,10,12,9,11,100\n"
    )
    desk.services.imports.import_file(
        csv,
        instrument=NIFTY,
        interval=Interval.ONE_MINUTE,
        progress=lambda *_: None,
        actor=TESTER,
    )
    flip(first_file(desk))

    report = verify(desk, repair=True)

    assert report["damaged"] == 1
    assert "munshi data import" in report["findings"][0]["why_kept"]
