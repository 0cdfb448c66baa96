"""Importing candle files: judged, stored once, longer bars derived, refusals reported."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from desks import TESTER, Desk
from made_candles import ist
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    CalendarYearUnknownError,
    CandleFileInvalidError,
    InstrumentUnknownError,
)
from munshi.market.candles import Stored
from munshi.market.import_report import ImportReport
from munshi.market.quality import Reason

NIFTY = InstrumentRef("NSE", "NIFTY 50")
HEADER = "Instrument,Date,Time,Open,High,Low,Close\n"
# A drill of the exchanges' fallback site: two sessions, of 45 and 60 minutes.
DRILL = date(2024, 3, 2)


def row(stamp: datetime, *, name: str = "NIFTY") -> str:
    price = 22_000 + stamp.hour + stamp.minute / 100
    return (
        f"{name},{stamp:%Y%m%d},{stamp:%H:%M},"
        f"{price:.2f},{price + 5:.2f},{price - 5:.2f},{price + 1:.2f}\n"
    )


def minutes_of(desk: Desk, day: date) -> list[datetime]:
    calendar = desk.services.calendar.calendar()
    segment = desk.services.instruments.find(NIFTY).segment
    return calendar.bar_opens(day, Interval.ONE_MINUTE, segment)


def write(folder: Path, rows: Iterable[str], *, name: str = "nifty.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(rows))
    return path


def take(desk: Desk, path: Path, *, instrument: str | None = None) -> ImportReport:
    return desk.services.imports.import_file(
        path, instrument=instrument, progress=lambda *_: None, actor=TESTER
    )


@pytest.fixture
def nifty_file(desk: Desk, tmp_path: Path) -> Path:
    """Friday and the drill of Saturday, Monday missing, Tuesday with rows after the close."""
    friday, tuesday = date(2024, 3, 1), date(2024, 3, 5)
    stamps = [stamp for day in (friday, DRILL, tuesday) for stamp in minutes_of(desk, day)]
    late = [ist("2024-03-05 18:15"), ist("2024-03-05 18:16")]
    return write(tmp_path, [row(stamp) for stamp in (*stamps, *late)])


def test_minutes_are_stored_and_longer_bars_derived(desk: Desk, nifty_file: Path) -> None:
    report = take(desk, nifty_file)

    [series] = report.series
    assert dict(series.stored) == {
        Interval.ONE_MINUTE: Stored(added=375 + 105 + 375, changed=0, same=0),
        Interval.FIVE_MINUTES: Stored(added=75 + 21 + 75, changed=0, same=0),
        Interval.ONE_HOUR: Stored(added=7 + 2 + 7, changed=0, same=0),
        Interval.ONE_DAY: Stored(added=3, changed=0, same=0),
    }
    daily = desk.services.candles.page(NIFTY, Interval.ONE_DAY).frame
    assert daily["open"].to_list() == [220_091_500, 220_091_500, 220_091_500]
    assert daily["close"].to_list() == [220_162_900, 220_132_900, 220_162_900]


def test_what_was_refused_and_what_is_missing_is_reported(desk: Desk, nifty_file: Path) -> None:
    [series] = take(desk, nifty_file).series

    [refusal] = series.quality.refusals
    assert (refusal.reason, refusal.rows) == (Reason.OUTSIDE_SESSION, 2)
    assert refusal.days == (date(2024, 3, 5),)
    assert series.coverage is not None
    assert series.coverage.missing_days == (date(2024, 3, 4),)
    assert series.sentences() == [
        "Refused 2 rows outside any trading session on 5 Mar 2024, the first at 18:15 IST.",
        "855 of 1,230 expected bars are there.",
        "Missing 1 trading day: 4 Mar 2024.",
    ]


def test_a_second_import_changes_nothing(desk: Desk, nifty_file: Path, tmp_path: Path) -> None:
    take(desk, nifty_file)
    files = sorted((tmp_path / "candles").rglob("*.parquet"))
    before = desk.services.candles.coverage()

    again = take(desk, nifty_file)

    assert (again.stored.added, again.stored.changed) == (0, 0)
    assert again.stored.same == 855 + 171 + 16 + 3
    assert sorted((tmp_path / "candles").rglob("*.parquet")) == files
    assert desk.services.candles.coverage() == before


def test_imported_prices_are_real_ones_and_say_where_they_come_from(
    desk: Desk, nifty_file: Path
) -> None:
    take(desk, nifty_file)

    page = desk.services.candles.page(NIFTY, Interval.FIVE_MINUTES)

    assert page.label == "imported from nifty.csv"
    assert (page.key.mode, page.key.source) == ("live", "import")


def test_two_files_with_halves_of_a_day_make_one_daily_bar(desk: Desk, tmp_path: Path) -> None:
    stamps = minutes_of(desk, date(2024, 3, 1))
    take(desk, write(tmp_path, [row(stamp) for stamp in stamps[:100]], name="morning.csv"))

    take(desk, write(tmp_path, [row(stamp) for stamp in stamps[100:]], name="rest.csv"))

    daily = desk.services.candles.page(NIFTY, Interval.ONE_DAY).frame
    assert daily["open"].to_list() == [220_091_500]
    assert daily["close"].to_list() == [220_162_900]


def test_an_import_is_audited_once_with_what_the_file_was(desk: Desk, nifty_file: Path) -> None:
    take(desk, nifty_file)

    [entry] = desk.services.audit.page(entity_type="candles").entries
    assert (entry.action, entry.entity_id, entry.user_id) == ("import", "nifty.csv", "tester")
    assert entry.details is not None
    assert entry.details["instruments"] == "NSE:NIFTY 50"
    assert (entry.details["rows"], entry.details["rows_accepted"]) == (857, 855)
    assert len(entry.details["sha256"]) == 64


def test_one_file_may_hold_several_instruments(desk: Desk, tmp_path: Path) -> None:
    stamps = minutes_of(desk, date(2024, 3, 1))
    names = ("NIFTY", "NSE:RELIANCE", "NFO:NIFTY24MAR22000CE")
    path = write(tmp_path, [row(stamp, name=name) for stamp in stamps for name in names])

    report = take(desk, path)

    assert [str(series.instrument) for series in report.series] == [
        "NSE:NIFTY 50",
        "NSE:RELIANCE",
        "NFO:NIFTY24MAR22000CE",
    ]
    assert all(series.stored[Interval.ONE_DAY].added == 1 for series in report.series)


def test_a_file_that_names_no_instrument_is_told_which_it_holds(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    stamps = minutes_of(desk, date(2024, 3, 1))[:10]
    path.write_text("datetime,open,high,low,close\n" + "".join(f"{s},1,2,1,2\n" for s in stamps))

    with pytest.raises(CandleFileInvalidError, match="does not say which instrument") as refused:
        take(desk, path)
    report = take(desk, path, instrument="NSE:RELIANCE")

    assert refused.value.hint == "Say so: --instrument NSE:RELIANCE"
    assert report.series[0].stored[Interval.ONE_MINUTE].added == 10


@pytest.mark.parametrize(
    ("rows", "instrument", "error"),
    [
        ([row(ist("2024-03-01 09:15")).replace("22009", "abc")], None, CandleFileInvalidError),
        ([row(ist(f"2024-03-01 09:{n}"), name="NOBODY") for n in (15, 16)], None,
         InstrumentUnknownError),
        ([row(ist(f"2031-03-03 09:{n}")) for n in (15, 16)], None, CalendarYearUnknownError),
        ([row(ist(f"2024-03-01 09:{n}"), name=name)
          for n in (15, 16) for name in ("NIFTY", "NSE:SBIN")], "NSE:SBIN", CandleFileInvalidError),
    ],
    ids=["no-price", "unknown-instrument", "unknown-year", "two-instruments"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_stores_and_audits_nothing(
    desk: Desk,
    tmp_path: Path,
    rows: list[str],
    instrument: str | None,
    error: type[Exception],
) -> None:
    path = write(tmp_path, rows)

    with pytest.raises(error):
        take(desk, path, instrument=instrument)

    assert desk.services.candles.coverage() == []
    assert desk.services.audit.page(entity_type="candles").entries == ()


def test_volumes_too_large_to_be_added_up_are_refused(desk: Desk, tmp_path: Path) -> None:
    """Twenty minutes of 18 digits do not fit the 64 bits of the hour they make up."""
    stamps = minutes_of(desk, date(2024, 3, 1))[:20]
    rows = [row(stamp).replace("\n", f",{'9' * 18}\n") for stamp in stamps]
    path = tmp_path / "huge.csv"
    path.write_text(HEADER.replace("\n", ",Volume\n") + "".join(rows))

    with pytest.raises(CandleFileInvalidError, match=r"line 2, column 'Volume'.* is too large"):
        take(desk, path)

    assert desk.services.candles.coverage() == []


def test_a_file_without_any_bar_of_a_session_stores_nothing_and_says_why(
    desk: Desk, tmp_path: Path
) -> None:
    evening = [ist("2024-03-05 20:00") + timedelta(minutes=n) for n in range(5)]

    report = take(desk, write(tmp_path, [row(stamp) for stamp in evening]))

    [series] = report.series
    assert series.coverage is None
    assert report.stored == Stored(added=0, changed=0, same=0)
    assert series.to_json()["refusals"][0]["rows"] == 5
