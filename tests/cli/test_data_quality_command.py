"""`munshi data quality`, `compare` and `refetch` as they are typed."""

import json
from datetime import date
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval
from simulators import Simulator

FRIDAY, TUESDAY = date(2024, 3, 1), date(2024, 3, 5)


@pytest.fixture
def imported(munshi: Munshi, tmp_path: Path) -> Munshi:
    """Friday and Tuesday; Saturday's session and Monday are missing, and one price is ten times."""
    calendar = MarketCalendar.packaged()
    stamps = [
        stamp
        for day in (FRIDAY, TUESDAY)
        for stamp in calendar.bar_opens(day, Interval.ONE_HOUR, Segment.CASH)
    ]
    rows = [f"NIFTY,{at:%Y%m%d},{at:%H:%M},22000,22010,21990,22001" for at in stamps]
    rows[6] = rows[6].replace("22010", "220100")
    path = tmp_path / "hours.csv"
    path.write_text("\n".join(["Instrument,Date,Time,Open,High,Low,Close", *rows]))
    done = munshi("data", "import", str(path), "--interval", "60minute")
    assert done.exit_code == 0, done.output
    return munshi


def test_what_is_missing_and_what_is_wrong_is_told_with_what_mends_it(imported: Munshi) -> None:
    done = imported("data", "quality", "NIFTY", "--interval", "60minute")

    assert done.exit_code == 1
    assert "14           25        56.0" in done.stdout.replace("\u2500", "")
    assert "no imported file had them  2024-03-02  2024-03-04  2" in done.stdout
    assert "with a price far from the bars before and after  1     2024-03-01" in done.stdout
    assert 'munshi data import FILE --instrument "NSE:NIFTY 50"' in done.stdout


def test_json_and_page_tell_the_same(imported: Munshi, tmp_path: Path) -> None:
    page = tmp_path / "quality.html"

    done = imported("data", "quality", "--interval", "60minute", "--json", "--html", str(page))

    [series] = json.loads(done.stdout)["series"]
    assert [one["bars"] for one in series["missing"]] == [series["expected"] - series["present"]]
    text = page.read_text(encoding="utf-8")
    assert f"{series['present']} of {series['expected']} bars" in text
    assert "no imported file had them" in text
    assert "<script" not in text


def test_days_that_are_well_end_without_an_error_code(imported: Munshi) -> None:
    done = imported("data", "quality", "--interval", "60minute", "--from", "2024-03-05")

    assert (done.exit_code, "Nothing is missing, and nothing is wrong." in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("quality", "NSE:RELIANCE"), "No bars of NSE:RELIANCE are held."),
        (("quality", "--from", "yesterday"), "'yesterday' is not a day."),
        (("quality", "--from", "2024-03-05", "--to", "2024-03-01"), "before it starts"),
        (("quality", "--interval", "7minute"), "There is no bar interval '7minute'."),
        (("quality", "--html", "no/such/folder/x.html"), "cannot be written"),
        (("compare", "NIFTY", "--interval", "60minute"), "name two sources that differ"),
        (("compare", "NIFTY", "kite", "kite"), "cannot be compared with itself"),
        (("compare", "NIFTY", "a", "b", "--price-tolerance", "101"), "from 0 to 100 percent"),
        (("compare", "NIFTY", "kite", "breeze"), "from kite are held"),
    ],
)
def test_bad_input_is_one_clear_error(imported: Munshi, words: tuple[str, ...], said: str) -> None:
    done = imported("data", *words)

    assert done.exit_code == 2 or done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_two_brokers_are_compared_and_a_month_is_asked_for_again(
    munshi: Munshi, brokers: Simulator
) -> None:
    days = ("--interval", "60minute", "--from", "2026-11-17", "--to", "2026-11-19")
    for broker in ("kite", "breeze"):
        munshi("login", broker)
        done = munshi("data", "collect", "NIFTY", "--broker", broker, "--wait", *days)
        assert done.exit_code == 0, done.output

    same = munshi("data", "compare", "NIFTY", *days)
    again = munshi("data", "refetch", "NIFTY", "--broker", "kite", *days, "--json")

    assert (same.exit_code, "They agree on all of 3 days." in same.stdout) == (0, True)
    [month] = json.loads(again.stdout)["months"]
    assert (month["month"], month["changed"], month["dropped"]) == ("2026-11", 0, 0)
