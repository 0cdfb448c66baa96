"""`munshi limits`: what is used and left, today's curve, and last month."""

import json
from contextlib import closing

import pytest

from command_line import Munshi
from munshi.cli.limits import bars
from munshi.clock import SystemClock
from munshi.infrastructure.database.engine import Database
from quotas import open_gate


@pytest.fixture
def called(sqlite_database: Database) -> None:
    with closing(open_gate(sqlite_database, SystemClock())) as gate:
        for _ in range(3):
            with gate.permit("breeze.api"):
                pass


@pytest.mark.usefixtures("called")
def test_used_left_and_todays_calls_are_shown(munshi: Munshi) -> None:
    shown = munshi("limits").stdout
    document = json.loads(munshi("limits", "--json").stdout)

    [breeze] = [each for each in document["limits"] if each["name"] == "breeze.api"]
    assert (breeze["used"], breeze["left"]) == (3, 97)
    assert (breeze["daily_used"], breeze["daily_left"]) == (3, 4997)
    assert sum(breeze["curve"]) == breeze["today"]["requests"] == 3
    assert "100 in 60 s" in shown
    assert "3 of 5000" in shown
    assert "00:00:00 IST" in shown
    assert "█" in shown


def test_nothing_called_is_nothing_used(munshi: Munshi) -> None:
    document = json.loads(munshi("limits", "--json").stdout)

    assert {each["used"] for each in document["limits"]} == {0}
    assert {each["next_free"] for each in document["limits"]} == {None}


def test_last_month_is_told_in_a_sentence(munshi: Munshi) -> None:
    assert "No broker was called in" in munshi("limits", "last-month").stdout


@pytest.mark.parametrize(
    ("curve", "drawn"), [([0, 1, 8, 4], "·▁█▄"), ([0, 0, 0, 0], "····"), ([5, 5, 1, 0], "██▂·")]
)
def test_the_highest_bar_is_full_and_no_call_is_a_dot(curve: list[int], drawn: str) -> None:
    assert bars(curve, upto=4) == drawn
