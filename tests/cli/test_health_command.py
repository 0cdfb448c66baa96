"""`munshi health`: how the desk does, and did."""

import json
from datetime import timedelta

import pytest

from command_line import Munshi
from desks import Desk
from munshi.clock import SystemClock
from simulators import Simulator


@pytest.fixture
def swept(desk: Desk) -> Desk:
    """A desk whose last two sweeps were just now."""
    desk.clock.set(SystemClock().now() - timedelta(minutes=5))
    desk.services.health.sweep()
    desk.clock.advance(timedelta(minutes=4))
    desk.services.health.sweep()
    return desk


def test_a_desk_that_was_never_swept_shows_its_database(munshi: Munshi) -> None:
    shown = munshi("health")

    assert shown.exit_code == 0
    assert "No health sweep has run yet." in shown.stdout
    assert shown.stdout.splitlines()[-1] == "The desk: pass."


@pytest.mark.usefixtures("swept")
def test_a_part_that_fails_is_shown_and_is_the_exit_code(munshi: Munshi) -> None:
    shown = munshi("health")
    told = json.loads(munshi("health", "--json").stdout)

    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[-1] == "The desk: fail."
    assert "No worker runs, so no job does." in shown.stdout
    assert (told["status"], told["mode"]) == ("fail", "simulated")
    workers = next(each for each in told["components"] if each["component"] == "workers")
    assert (workers["status"], workers["error_count"], workers["value"]) == ("fail", 2, 0)
    assert workers["last_error_at"] == workers["checked_at"]


@pytest.mark.usefixtures("brokers")
def test_checking_now_asks_and_keeps_nothing(munshi: Munshi, simulator: Simulator) -> None:
    told = munshi("health", "--now", "--json")
    found = {each["component"]: each["status"] for each in json.loads(told.stdout)["components"]}

    assert told.exit_code == 1
    assert (found["disk"], found["workers"], found["candles"]) == ("pass", "fail", "unknown")
    assert json.loads(munshi("health", "history", "disk", "--json").stdout)["samples"] == []
    assert simulator.arrivals() == []  # nobody has signed in, so nobody is asked


@pytest.mark.usefixtures("swept")
def test_a_component_has_a_past(munshi: Munshi) -> None:
    shown = munshi("health", "history", "workers", "--limit", "1")
    told = json.loads(munshi("health", "history", "workers", "--json").stdout)

    assert shown.exit_code == 0
    assert shown.stdout.count("No worker runs") == 2  # the sample, and the hour's last error
    assert [sample["error_count"] for sample in told["samples"]] == [2, 1]
    assert sum(hour["failures"] for hour in told["hours"]) == 2


def test_a_component_nobody_watches_is_one_line_on_stderr(munshi: Munshi) -> None:
    result = munshi("health", "history", "heart")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "There is no component 'heart'." in result.stderr
    assert "database, disk, workers" in result.stderr
