"""Stored candles: saving again changes nothing, writers lose nothing, readers see commits only."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from clocks import FakeClock
from databases import open_database
from desks import Desk
from made_candles import ist, minutes
from munshi.bootstrap import Services
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import CursorInvalidError, DateRangeInvalidError, InstrumentUnknownError
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database.candle_repository import CandleFile
from munshi.infrastructure.database.engine import Database
from munshi.market.candle_parts import in_parts
from munshi.market.candles import CandleService, Stored
from munshi.market.quality import coverage, together
from munshi.settings import BrokerMode

LABEL = "simulated kite"
NIFTY = InstrumentRef("NSE", "NIFTY 50")
KEY = CandleKey(
    mode=BrokerMode.SIMULATED,
    source="kite",
    exchange="NSE",
    instrument="NIFTY 50",
    interval=Interval.FIVE_MINUTES,
)
TESTS = Path(__file__).parents[1]


@pytest.fixture
def candles(database: Database, clock: FakeClock, tmp_path: Path) -> CandleService:
    """On each database in turn."""
    return CandleService(database, clock, store=CandleStore(tmp_path), mode=BrokerMode.SIMULATED)


def fives(first: str, count: int, *, price: int = 217_277_500) -> pl.DataFrame:
    return minutes(first, count=count, step=5, price=price)


def everything(candles: CandleService, key: CandleKey = KEY) -> pl.DataFrame:
    return candles.read(key, start=ist("2020-01-01"), end=ist("2030-01-01"))


def files(home: Path) -> list[Path]:
    return sorted((home / "candles").rglob("*.parquet"))


def test_what_was_saved_is_read_back_in_order(candles: CandleService) -> None:
    later, earlier = fives("2026-11-20 09:15", 3), fives("2026-10-30 15:15", 3)

    stored = candles.save(KEY, pl.concat([later, earlier]), label=LABEL)

    assert stored == Stored(added=6, changed=0, same=0)
    assert everything(candles).equals(pl.concat([earlier, later]))


def test_saving_the_same_again_changes_neither_rows_nor_files(
    candles: CandleService, tmp_path: Path
) -> None:
    frame = fives("2026-10-30 15:15", 5)
    candles.save(KEY, frame, label=LABEL)
    before = files(tmp_path)
    written = candles.coverage()

    stored = candles.save(KEY, frame, label=LABEL)

    assert stored == Stored(added=0, changed=0, same=5)
    assert files(tmp_path) == before
    assert candles.coverage() == written


def test_a_bar_that_differs_is_replaced_and_the_others_stay(candles: CandleService) -> None:
    candles.save(KEY, fives("2026-11-20 09:15", 4), label=LABEL)
    corrected = fives("2026-11-20 09:20", 1, price=218_000_000)

    stored = candles.save(KEY, corrected, label=LABEL)

    found = everything(candles)
    assert stored == Stored(added=0, changed=1, same=0)
    assert found.height == 4
    assert found["open"][1] == 218_000_000


def test_reading_takes_the_start_and_leaves_the_end(candles: CandleService) -> None:
    candles.save(KEY, fives("2026-11-20 09:15", 4), label=LABEL)

    found = candles.read(KEY, start=ist("2026-11-20 09:20"), end=ist("2026-11-20 09:30"))

    assert found["opens"].to_list() == [ist("2026-11-20 09:20"), ist("2026-11-20 09:25")]


def test_two_writers_of_one_month_lose_nothing(
    any_database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    parts = [fives(f"2026-11-{day:02} 09:15", 75) for day in range(2, 14)]
    outcomes: list[Stored] = []

    def write(share: Sequence[pl.DataFrame]) -> None:
        database = open_database(any_database_url)
        store = CandleStore(tmp_path)
        service = CandleService(database, clock, store=store, mode=BrokerMode.SIMULATED)
        outcomes.extend(service.save(KEY, part, label=LABEL) for part in share)
        database.close()

    writers = [threading.Thread(target=write, args=(parts[place::2],)) for place in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    database = open_database(any_database_url)
    service = CandleService(database, clock, store=CandleStore(tmp_path), mode=BrokerMode.SIMULATED)
    found = everything(service)
    database.close()
    assert found.equals(pl.concat(parts))
    assert sum(outcome.added for outcome in outcomes) == 12 * 75


KILLED_BEFORE_THE_ROW = """
import os
import signal
import sys
from pathlib import Path

from clocks import FakeClock
from databases import FRIDAY_TEN_IST, open_database
from made_candles import minutes
from munshi.infrastructure.candles.store import CandleStore
from munshi.market.candles import CandleService
from munshi.settings import BrokerMode
from test_candles import KEY, LABEL

class Doomed(CandleStore):
    def write_month(self, *given, **named):
        written = super().write_month(*given, **named)
        print(written.path, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        return written

service = CandleService(open_database(sys.argv[1]), FakeClock(FRIDAY_TEN_IST),
                        store=Doomed(Path(sys.argv[2])), mode=BrokerMode.SIMULATED)
service.save(KEY, minutes("2026-11-20 09:15", count=9, step=5, price=300_000_000), label=LABEL)
"""


def test_a_kill_between_file_and_row_leaves_the_old_state(
    any_database_url: str, candles: CandleService, clock: FakeClock, tmp_path: Path
) -> None:
    old = fives("2026-11-20 09:15", 3)
    candles.save(KEY, old, label=LABEL)

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_THE_ROW, any_database_url, str(tmp_path)],
        env={"PYTHONPATH": f"{TESTS}:{TESTS / 'market'}", "POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    orphan = tmp_path / killed.stdout.strip()
    assert killed.returncode == -9, killed.stderr
    assert orphan.is_file()
    assert everything(candles).equals(old)

    clock.set(clock.now() + timedelta(days=3650))
    assert orphan.relative_to(tmp_path).as_posix() in candles.collect_garbage()
    assert everything(candles).equals(old)


def test_files_that_are_current_are_never_collected(
    candles: CandleService, clock: FakeClock, tmp_path: Path
) -> None:
    candles.save(KEY, fives("2026-10-30 15:15", 3), label=LABEL)
    candles.save(KEY, fives("2026-11-20 09:15", 3), label=LABEL)
    candles.save(KEY, fives("2026-11-20 09:30", 3), label=LABEL)

    clock.set(clock.now() + timedelta(days=3650))
    deleted = candles.collect_garbage()

    assert len(deleted) == 1
    assert len(files(tmp_path)) == 2
    assert everything(candles).height == 9


def test_a_reader_sees_what_is_committed_while_a_writer_is_at_work(
    any_database_url: str, candles: CandleService, clock: FakeClock, tmp_path: Path
) -> None:
    """Every state a reader finds is one that a writer committed: whole days, never part of one."""
    days = [fives(f"2026-11-{day:02} 09:15", 75) for day in range(2, 10)]
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        database = open_database(any_database_url)
        reader = CandleService(
            database, clock, store=CandleStore(tmp_path), mode=BrokerMode.SIMULATED
        )
        while not done.is_set():
            seen.append(everything(reader).height)
        database.close()

    looking = threading.Thread(target=look)
    looking.start()
    for day in days:
        candles.save(KEY, day, label=LABEL)
    done.set()
    looking.join()

    assert seen == sorted(seen)
    assert {height % 75 for height in seen} == {0}


def saved(services: Services, *frames: pl.DataFrame, key: CandleKey = KEY) -> None:
    for frame in frames:
        services.candles.save(key, frame, label=f"{key.mode} {key.source}")


def test_pages_hold_every_bar_once_whatever_their_size(desk: Desk) -> None:
    saved(desk.services, fives("2026-10-30 14:30", 12), fives("2026-11-20 09:15", 12))

    stamps: list[object] = []
    cursor = None
    while True:
        page = desk.services.candles.page(NIFTY, Interval.FIVE_MINUTES, cursor=cursor, limit=5)
        stamps += page.frame["opens"].to_list()
        cursor = page.next_cursor
        if cursor is None:
            break

    assert stamps == everything(desk.services.candles)["opens"].to_list()
    assert len(stamps) == 24


def test_a_page_holds_the_days_asked_for_both_included(desk: Desk) -> None:
    days = ("2026-11-18", "2026-11-19", "2026-11-20")
    saved(desk.services, *(fives(f"{day} 09:15", 2) for day in days))

    page = desk.services.candles.page(
        NIFTY, Interval.FIVE_MINUTES, start=date(2026, 11, 18), end=date(2026, 11, 19)
    )

    assert page.label == "simulated kite"
    assert page.next_cursor is None
    assert page.frame["opens"].to_list()[::2] == [ist("2026-11-18 09:15"), ist("2026-11-19 09:15")]


def test_daily_bars_of_a_months_first_day_are_found(desk: Desk) -> None:
    """Stamped at midnight in India, which is the month before in UTC."""
    daily = replace(KEY, interval=Interval.ONE_DAY)
    saved(desk.services, minutes("2026-10-01 00:00", count=1), key=daily)

    page = desk.services.candles.page(
        NIFTY, Interval.ONE_DAY, start=date(2026, 10, 1), end=date(2026, 10, 1)
    )

    assert page.frame.height == 1


def test_a_brokers_bars_come_before_imported_ones_unless_a_source_is_named(desk: Desk) -> None:
    imported = replace(KEY, mode=BrokerMode.LIVE, source="import")
    saved(desk.services, fives("2026-11-20 09:15", 1), key=imported)
    saved(desk.services, fives("2026-11-20 09:15", 2), key=replace(KEY, source="breeze"))
    ask = desk.services.candles.find_series

    assert ask(NIFTY, Interval.FIVE_MINUTES).key.source == "breeze"
    assert ask(NIFTY, Interval.FIVE_MINUTES, source="import").key == imported


def test_real_prices_of_a_broker_are_not_shown_by_a_desk_with_simulated_brokers(
    desk: Desk,
) -> None:
    saved(desk.services, fives("2026-11-20 09:15", 1), key=replace(KEY, mode=BrokerMode.LIVE))

    assert desk.services.candles.coverage() == []
    with pytest.raises(InstrumentUnknownError, match="No 5minute bars of NSE:NIFTY 50") as refused:
        desk.services.candles.page(NIFTY, Interval.FIVE_MINUTES)
    assert (
        refused.value.hint == 'Collect them: munshi data collect "NSE:NIFTY 50" --interval 5minute'
    )


def test_a_range_backwards_is_refused(desk: Desk) -> None:
    with pytest.raises(DateRangeInvalidError, match="ends on 2026-11-19, before it starts"):
        desk.services.candles.page(
            NIFTY, Interval.FIVE_MINUTES, start=date(2026, 11, 20), end=date(2026, 11, 19)
        )


@pytest.mark.parametrize("cursor", ["", "x", "-1", "12.5", "99999999999", "\u0661"])
def test_a_cursor_that_was_not_given_out_is_refused(desk: Desk, cursor: str) -> None:
    saved(desk.services, fives("2026-11-20 09:15", 2))

    with pytest.raises(CursorInvalidError):
        desk.services.candles.page(NIFTY, Interval.FIVE_MINUTES, cursor=cursor)


def test_a_month_whose_file_is_damaged_is_begun_anew(
    candles: CandleService, tmp_path: Path
) -> None:
    frame = fives("2026-11-20 09:15", 5)
    candles.save(KEY, frame, label=LABEL)
    [file] = files(tmp_path)
    file.write_bytes(b"not a candle file")

    intact = candles.read_intact(KEY, start=ist("2026-11-01"), end=ist("2026-12-01"))
    stored = candles.save(KEY, frame, label=LABEL)

    assert intact.is_empty()
    assert stored == Stored(added=5, changed=0, same=0)
    assert everything(candles).equals(frame)


def test_parts_have_each_day_once_and_all_that_reading_at_once_has(desk: Desk) -> None:
    candles, first, last = desk.services.candles, date(2026, 9, 3), date(2026, 11, 20)
    stored = pl.concat(
        [fives(f"{day} 09:15", 70) for day in ("2026-08-31", "2026-09-03", "2026-09-30")]
        + [fives(f"{day} 09:15", 75) for day in ("2026-11-02", "2026-11-20", "2026-11-23")]
    )
    candles.save(KEY, stored, label=LABEL)
    with desk.services.database.reading() as tx:
        months = tx.candles.list_files(KEY, from_month="202609", to_month="202611")
    whole = candles.read(KEY, start=ist("2026-09-03"), end=ist("2026-11-21"))
    rules = {
        "interval": Interval.FIVE_MINUTES,
        "segment": Segment.CASH,
        "calendar": MarketCalendar.packaged(),
        "now": ist("2026-11-20 12:00"),
    }
    at_once = coverage(whole, start=first, end=last, **rules)  # type: ignore[arg-type]

    def read(some: Sequence[CandleFile], *, start: datetime, end: datetime) -> pl.DataFrame:
        return candles._read(some, start=start, end=end)  # noqa: SLF001 - as the service calls it

    for rows, count in ((1, 2), (1_000, 1)):
        parts = list(in_parts(months, read, first=first, last=last, rows=rows))
        held = (coverage(p.frame, start=p.first, end=p.last, **rules) for p in parts)  # type: ignore[arg-type]

        assert pl.concat([part.frame for part in parts]).equals(whole)
        assert together(held) == at_once
        assert [part.last for part in parts] == [date(2026, 10, 31)] * (count - 1) + [last]
    assert [part.frame.height for part in candles.read_parts(KEY, first=first, last=last)] == [290]
    [none] = candles.read_parts(KEY, first=date(2025, 1, 1), last=date(2025, 1, 2))
    assert (none.first, none.last, none.frame.is_empty()) == (
        *(date(2025, 1, 1), date(2025, 1, 2)),
        True,
    )
