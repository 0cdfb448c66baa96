"""`munshi data`: files taken in, candles collected from a simulator, and both looked at."""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest

from command_line import Munshi
from desks import Desk
from munshi.cli.data_collect import collection_of
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval

FRIDAY, TUESDAY = date(2024, 3, 1), date(2024, 3, 5)


@pytest.fixture
def minutes_file(tmp_path: Path) -> Path:
    """Two days with one between them missing, and a row long after the close."""
    calendar = MarketCalendar.packaged()
    stamps = [
        stamp
        for day in (FRIDAY, TUESDAY)
        for stamp in calendar.bar_opens(day, Interval.ONE_MINUTE, Segment.CASH)
    ]
    rows = [f"NIFTY,{at:%Y%m%d},{at:%H:%M},22000.05,22010,21990,22001.1" for at in stamps]
    rows.append("NIFTY,20240305,18:16,22000,22010,21990,22001")
    path = tmp_path / "real.csv"
    path.write_text("\n".join(["Instrument,Date,Time,Open,High,Low,Close", *rows]))
    return path


def test_an_import_says_what_it_took_what_it_refused_and_what_is_missing(
    munshi: Munshi, minutes_file: Path
) -> None:
    done = munshi("data", "import", str(minutes_file))

    assert done.exit_code == 0
    assert "real.csv: 751 rows read." in done.stdout
    assert "NSE:NIFTY 50, imported from real.csv" in done.stdout
    assert (
        "Refused 1 row outside any trading session on 5 Mar 2024, the first at 18:16 IST."
        in done.stdout
    )
    assert "Missing 2 trading days: 2 Mar 2024, 4 Mar 2024." in done.stdout


def test_a_second_import_adds_nothing(munshi: Munshi, minutes_file: Path) -> None:
    munshi("data", "import", str(minutes_file))

    again = json.loads(munshi("data", "import", str(minutes_file), "--json").stdout)

    [series] = again["series"]
    assert {name: one["added"] for name, one in series["stored"].items()} == {
        "1minute": 0,
        "5minute": 0,
        "60minute": 0,
        "1day": 0,
    }
    assert series["stored"]["5minute"]["same"] == 150


def test_a_file_of_nothing_usable_ends_with_an_error_code(munshi: Munshi, tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text(
        "datetime,open,high,low,close\n2024-03-01 20:00,1,1,1,1\n2024-03-01 20:01,1,1,1,1\n"
    )

    done = munshi("data", "import", str(path), "--instrument", "NIFTY")

    assert done.exit_code == 1
    assert "Refused 2 rows outside any trading session" in done.stdout


def test_what_is_held_is_drawn_with_where_it_comes_from(munshi: Munshi, minutes_file: Path) -> None:
    munshi("data", "import", str(minutes_file))

    shown = munshi("data", "show", "nifty", "--interval", "5m")

    assert "NSE:NIFTY 50 5minute (imported from real.csv)" in shown.stdout
    assert "Mar 2024" in shown.stdout
    assert "150 of 246 expected bars are there." in shown.stdout
    assert "The last bar, of 05 Mar 2024 15:25:00 IST, closed at 22001.10." in shown.stdout
    assert "SIMULATED" not in shown.output


def test_what_is_held_is_told_in_json(munshi: Munshi, minutes_file: Path) -> None:
    munshi("data", "import", str(minutes_file))

    shown = json.loads(munshi("data", "show", "NIFTY", "--interval", "day", "--json").stdout)

    assert (shown["mode"], shown["label"]) == ("live", "imported from real.csv")
    assert (shown["bars_present"], shown["bars_expected"]) == (2, 4)
    assert shown["missing_days"] == ["2024-03-02", "2024-03-04"]


def test_coverage_lists_every_series(munshi: Munshi, minutes_file: Path) -> None:
    empty = munshi("data", "coverage").stdout
    munshi("data", "import", str(minutes_file))

    listed = json.loads(munshi("data", "coverage", "NIFTY", "--json").stdout)["series"]
    of_another = json.loads(munshi("data", "coverage", "SENSEX", "--json").stdout)["series"]

    assert "Collect some: munshi data collect NIFTY" in empty
    assert [(one["interval"], one["rows"]) for one in listed] == [
        ("1day", 2),
        ("1minute", 750),
        ("5minute", 150),
        ("60minute", 14),
    ]
    assert of_another == []


def test_bars_are_printed_as_csv_with_exact_prices(munshi: Munshi, minutes_file: Path) -> None:
    munshi("data", "import", str(minutes_file))

    printed = munshi(
        "data", "candles", "NIFTY", "--interval", "60minute", "--from", "2024-03-05", "--csv"
    ).stdout

    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(rows) == 7
    assert rows[0] == {
        "opens": "2024-03-05T09:15:00+05:30",
        "open": "22000.05",
        "high": "22010.00",
        "low": "21990.00",
        "close": "22001.10",
        "volume": "0",
        "oi": "",
        "label": "imported from real.csv",
    }


def test_stored_files_are_hashed_and_a_damaged_one_is_named(
    munshi: Munshi, minutes_file: Path
) -> None:
    munshi("data", "import", str(minutes_file))
    sound = munshi("data", "verify")
    path = next((minutes_file.parent / "candles").rglob("202403-*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])

    damaged = munshi("data", "verify", "NIFTY")
    told = munshi("data", "verify", "--repair", "--json")

    assert (sound.exit_code, damaged.exit_code, told.exit_code) == (0, 1, 1)
    assert "All of them are what was stored." in sound.stdout
    assert "munshi data verify --repair" in damaged.stdout
    [found] = json.loads(told.stdout)["result"]["findings"]
    assert (found["month"], found["outcome"]) == ("202403", "kept")
    assert "munshi data import" in found["why_kept"]


def test_candles_are_collected_once_from_a_simulator_of_the_commands_own(munshi: Munshi) -> None:
    munshi("config", "set", "auth", "simulated_headless", "true")
    munshi("login", "kite", "--headless")
    asked = ("data", "collect", "NIFTY", "--from", "2024-06-03", "--to", "2024-06-07", "--wait")

    first = munshi(*asked)
    second = json.loads(munshi(*asked, "--json").stdout)

    assert first.exit_code == 0, first.output
    assert "SIMULATED brokers" in first.stderr
    assert "5minute bars of 2024-06-03 to 2024-06-07, simulated: synthetic" in first.stdout
    assert "375" in first.stdout
    assert second["state"] == "succeeded"
    assert (second["result"]["requests"], second["result"]["rows_added"]) == (0, 0)
    assert "(SIMULATED: synthetic)" in munshi("data", "show", "NIFTY").stdout


def test_a_collection_without_a_login_says_how_to_log_in_and_waits(munshi: Munshi) -> None:
    done = munshi(
        "data", "collect", "NIFTY", "--from", "2024-06-03", "--to", "2024-06-07", "--wait"
    )

    assert done.exit_code == 1
    assert "is paused." in done.stdout
    assert "Or here: munshi login kite" in done.stdout


def test_a_collection_can_be_left_to_a_worker(munshi: Munshi) -> None:
    done = munshi(
        "data", "collect", "NIFTY", "--from", "2024-06-03", "--to", "2024-06-07", "--no-wait"
    )

    assert done.exit_code == 0
    assert "is queued." in done.stdout
    assert [
        job["state"] for job in json.loads(munshi("jobs", "list", "--json").stdout)["jobs"]
    ] == ["queued"]


def test_instruments_are_loaded_and_found(munshi: Munshi) -> None:
    before = munshi("data", "instruments").stdout
    loaded = json.loads(munshi("data", "instruments", "--refresh", "breeze", "--json").stdout)

    found = json.loads(munshi("data", "instruments", "--query", "relian", "--json").stdout)

    assert "Load them: munshi data instruments --refresh" in before
    assert loaded["loaded"]["breeze"]["NSE"] > 0
    assert {one["breeze_code"] for one in found["instruments"]} == {"RELIND"}


def test_the_last_twenty_trading_days_are_collected_where_no_days_are_named(desk: Desk) -> None:
    asked = collection_of(
        desk.services, ["nifty"], broker="kite", interval="5min", start=None, end=None
    )

    days = desk.services.calendar.calendar().trading_days(asked.start, asked.end)
    assert asked.end == date(2026, 11, 20)
    assert len(days) == 20
    assert asked.instruments == ("NSE:NIFTY 50",)
    assert asked.interval is Interval.FIVE_MINUTES


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "NIFTY"), "No 5minute bars of NSE:NIFTY 50 are stored."),
        (("show", "NOBODY"), "'NOBODY' is not a well-known index."),
        (("show", "NIFTY", "--interval", "7m"), "There is no bar interval '7m'."),
        (("candles", "NIFTY", "--from", "yesterday"), "No 5minute bars of NSE:NIFTY 50"),
        (("collect", "NIFTY", "--from", "1 Nov", "--no-wait"), "'1 Nov' is not a day."),
        (("collect", "NIFTY", "--broker", "icici", "--no-wait"), "broker must be kite or breeze"),
        (("collect", "NSE:NOBODY", "--no-wait"), "NSE:NOBODY is in no list that was loaded."),
        (("collect", "NIFTY", "--from", "2024-06-07", "--to", "2024-06-03", "--no-wait"),
         "The range ends on 2024-06-03, before it starts"),
        (("collect", "NIFTY", "--from", "2040-06-07", "--to", "2040-06-08", "--no-wait"),
         "today is"),
        (("import", "nowhere.csv"), "nowhere.csv: It cannot be read"),
        (("instruments", "nifty"), "understood only with --refresh"),
        (("instruments", "icici", "--refresh"), "icici"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_an_error_code(
    munshi: Munshi, words: tuple[str, ...], said: str
) -> None:
    done = munshi("data", *words)

    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_plan_says_what_would_be_asked_for_and_makes_no_job(munshi: Munshi) -> None:
    result = munshi("data", "collect", "NIFTY", "--plan", "--json")

    assert result.exit_code == 0, result.output
    planned = json.loads(result.stdout)
    [part] = planned["instruments"]
    assert (part["days_held"], part["bars_present"]) == (0, 0)
    assert planned["requests"] == part["requests"] >= 1
    assert json.loads(munshi("jobs", "list", "--json").stdout)["jobs"] == []
    assert "requests to make" in munshi("data", "collect", "NIFTY", "--plan").stdout


def test_a_chain_is_planned_and_collected_around_the_spot_of_each_day(munshi: Munshi) -> None:
    munshi("config", "set", "auth", "simulated_headless", "true")
    munshi("login", "kite", "--headless")
    munshi("login", "breeze", "--headless")
    days = ("--from", "2024-06-03", "--to", "2024-06-07")
    chain = ("data", "collect", "--chain", "NIFTY", "--strikes", "1", *days)

    refused = munshi(*chain, "--plan")
    munshi("data", "collect", "NIFTY", "--interval", "1day", *days, "--wait")
    planned = munshi(*chain, "--plan")
    collected = json.loads(munshi(*chain, "--wait", "--json").stdout)["result"]

    assert "munshi data collect" in refused.stderr
    assert "NFO:NIFTY24606" in planned.stdout
    assert "of breeze) in 1 part. Begun now it will finish" in planned.stdout
    assert {part["bars_present"] - part["bars_expected"] for part in collected["instruments"]} == {
        0
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("NIFTY", "--strikes", "5"), "--expiries and --strikes are those of a chain."),
        (("--chain", "NIFTY", "--expiries", "soon"), "date like 2026-11-24, not 'soon'"),
        (("--chain", "NIFTY", "--expiries", "13"), "expiries must be a number from 1 to 12"),
        ((), "instruments must be a list that names at least one"),
    ],
)
def test_a_chain_that_cannot_be_meant_is_one_error(
    munshi: Munshi, words: tuple[str, ...], said: str
) -> None:
    done = munshi("data", "collect", *words, "--plan")

    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
