"""`munshi data quality`, `compare` and `refetch` as they are typed."""

import json
from datetime import date
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval

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
    held = next(line for line in done.stdout.splitlines() if " of 4" in line)
    assert held.split()[-6:] == ["14", "23", "60.9", "2", "of", "4"]
    gone = next(line for line in done.stdout.splitlines() if "no imported file" in line)
    assert "2024-03-02 2024-03-04 2 9 munshi data import FILE" in " ".join(gone.split())
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


WRONG_WORDS = (
    (("quality", "NSE:RELIANCE"), "No bars of NSE:RELIANCE are held."),
    (("quality", "--from", "yesterday"), "'yesterday' is not a day."),
    (("quality", "--from", "2024-03-05", "--to", "2024-03-01"), "before it starts"),
    (("quality", "--interval", "7minute"), "There is no bar interval '7minute'."),
    (("quality", "--html", "no/such/folder/x.html"), "cannot be written"),
    (("compare", "NIFTY", "--interval", "60minute"), "name two sources that differ"),
    (("compare", "NIFTY", "kite", "kite"), "cannot be compared with itself"),
    (("compare", "NIFTY", "a", "b", "--price-tolerance", "101"), "from 0 to 100 percent"),
    (("compare", "NIFTY", "kite", "breeze"), "from kite are held"),
)


def test_bad_input_is_one_clear_error(imported: Munshi) -> None:
    for words, said in WRONG_WORDS:
        done = imported("data", *words)

        assert done.exit_code == 1, words
        assert said in done.stderr
        assert "Traceback" not in done.output


def test_two_sources_are_compared_and_a_month_is_asked_for_again(
    munshi: Munshi, tmp_path: Path
) -> None:
    path = tmp_path / "one.csv"
    path.write_text("datetime,open,high,low,close\n2024-06-04 09:15,9,9,9,9\n")
    munshi("data", "import", str(path), "--instrument", "NIFTY", "--interval", "5minute")
    munshi("config", "set", "auth", "simulated_headless", "true")
    munshi("login", "kite", "--headless")
    days = ("--from", "2024-06-03", "--to", "2024-06-05")
    munshi("data", "collect", "NIFTY", "--wait", *days)

    unlike = munshi("data", "compare", "NIFTY", "kite", "import", *days)
    again = munshi("data", "refetch", "NIFTY", *days, "--json")

    assert unlike.exit_code == 1
    table = [" ".join(line.split()) for line in unlike.stdout.splitlines()]
    assert "only from kite 224" in table
    assert "prices over 0.05 % apart 1" in table
    assert any(line.startswith("2024-06-04 1 74 0 1 0 ") for line in table)
    [month] = json.loads(again.stdout)["months"]
    assert (month["month"], month["changed"], month["dropped"]) == ("2024-06", 0, 0)
