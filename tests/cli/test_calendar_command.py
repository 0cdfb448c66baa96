"""`munshi calendar`: days as the calendar has them, and years that users add."""

import json
from pathlib import Path

import pytest

from command_line import Munshi

YEAR = {
    "year": 2027,
    "holidays": [{"date": "2027-01-26", "name": "Republic Day", "source": "NSE circular"}],
    "special_sessions": [],
}


def test_sessions_and_holidays_are_listed_without_plain_weekends(munshi: Munshi) -> None:
    shown = munshi("calendar", "show", "--from", "2024-03-01", "--to", "2024-03-08")
    days = json.loads(
        munshi("calendar", "show", "--from", "2024-03-01", "--to", "2024-03-08", "--json").stdout
    )

    assert [day["day"] for day in days] == [
        "2024-03-01",
        "2024-03-02",
        "2024-03-04",
        "2024-03-05",
        "2024-03-06",
        "2024-03-07",
        "2024-03-08",
    ]
    assert "09:15-10:00 special, 11:30-12:30 special" in shown.stdout
    assert days[-1]["sessions"] == []
    assert days[-1]["holiday"] in shown.stdout


def test_expiries_stand_beside_the_days_on_which_they_fall(munshi: Munshi) -> None:
    asked = ("calendar", "--from", "2026-11-23", "--to", "2026-12-01")
    shown = munshi(*asked)
    days = {day["day"]: day for day in json.loads(munshi(*asked, "--json").stdout)}

    # The 24th, a Tuesday, is a holiday, so what expires that week expires on Monday.
    assert days["2026-11-23"]["expiries"][:2] == ["NIFTY monthly", "BANKNIFTY monthly"]
    assert days["2026-11-24"]["holiday"] == "Gurunanak Jayanti"
    assert days["2026-12-01"]["expiries"] == ["NIFTY"]
    assert days["2026-11-30"]["expiries"] == []
    assert "NIFTY monthly, BANKNIFTY monthly" in shown.stdout


def test_the_month_shown_by_itself_ends_with_the_calendar(munshi: Munshi) -> None:
    days = json.loads(munshi("calendar", "--from", "2026-12-28", "--json").stdout)

    assert [day["day"] for day in days] == [f"2026-12-{day}" for day in (28, 29, 30, 31)]


def test_a_year_is_added_from_a_file(munshi: Munshi, tmp_path: Path) -> None:
    file = tmp_path / "2027.json"
    file.write_text(json.dumps(YEAR))
    asked = ("calendar", "show", "--from", "2027-01-25", "--to", "2027-01-26", "--json")
    before = munshi(*asked)

    done = munshi("calendar", "import", str(file))

    assert "munshi calendar import FILE" in before.stderr
    assert done.stdout == "The market calendar now has 2027 from 2027.json.\n"
    assert [day["holiday"] for day in json.loads(munshi(*asked).stdout)] == [None, "Republic Day"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON: line 1"),
        ("[]", "holds no JSON object with a year."),
        ("{}", "year"),
        (json.dumps(YEAR | {"holidays": [{"date": "2027-01-26"}]}), "Row 1 of holidays"),
    ],
)
def test_a_file_that_is_no_year_is_refused_in_one_line(
    munshi: Munshi, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "year.json"
    file.write_text(content)
    before = munshi("config", "list", "market", "--json").stdout

    done = munshi("calendar", "import", str(file))

    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert munshi("config", "list", "market", "--json").stdout == before


def test_a_file_that_is_not_there_is_named(munshi: Munshi) -> None:
    done = munshi("calendar", "import", "nowhere.json")

    assert done.exit_code == 1
    assert "nowhere.json cannot be read" in done.stderr
