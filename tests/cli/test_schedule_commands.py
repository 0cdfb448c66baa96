"""`munshi schedule`: list, show, set, run, pause, resume, remove, history."""

import json
import re
from typing import Any

import pytest

from command_line import Munshi

LOGIN = ("--type", "auto_login", "--param", "service=kite")


def listed(munshi: Munshi) -> dict[str, dict[str, Any]]:
    found = json.loads(munshi("schedule", "list", "--json").stdout)["schedules"]
    return {schedule["name"]: schedule for schedule in found}


def test_a_new_desk_lists_its_own_schedules_with_five_next_runs(munshi: Munshi) -> None:
    shown = munshi("schedule", "list")

    schedules = listed(munshi)
    assert "at 06:15 and 07:35 IST, Monday to Friday" in shown.stdout
    assert "30 minutes after the close of shares and indices on trading days" in shown.stdout
    assert set(schedules) >= {"kite_login", "breeze_login", "session_cleanup", "daily_collection"}
    assert len(schedules["kite_login"]["next_runs"]) == 5
    assert schedules["kite_login"]["missed"] == 0


def test_the_times_of_a_login_are_changed_and_all_else_stays(munshi: Munshi) -> None:
    before = listed(munshi)["breeze_login"]["schedule"]

    done = munshi("schedule", "set", "breeze_login", "--times", "08:40, 05:40")

    after = listed(munshi)["breeze_login"]["schedule"]
    assert re.search(r"when +at 05:40 and 08:40 IST, Monday to Friday", done.stdout)
    assert after == {**before, "trigger": {**before["trigger"], "times": ["05:40", "08:40"]}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--times", "16:00"), "at 16:00 IST, every day"),
        (("--times", "16:00", "--weekdays"), "at 16:00 IST, Monday to Friday"),
        (("--cron", "0 9 * * 1", "--zone", "Europe/London"), "at 09:00 on Monday (Europe/London)"),
        (("--every", "15m"), "every 15 minutes, counted from midnight IST"),
        (("--open", "-15"), "15 minutes before the open of shares and indices on trading days"),
        (
            ("--close", "5", "--segment", "fno"),
            "5 minutes after the close of futures and options on trading days",
        ),
        (("--at", "09:20", "--expiry-of", "nifty"), "at 09:20 IST on expiry days of NIFTY"),
        (
            ("--at", "09:20", "--expiry-of", "banknifty", "--monthly"),
            "at 09:20 IST on monthly expiry days of BANKNIFTY",
        ),
    ],
)
def test_every_kind_of_timing_can_be_typed_and_previewed(
    munshi: Munshi, words: tuple[str, ...], said: str
) -> None:
    done = munshi("schedule", "set", "mine", *LOGIN, *words, "--preview")

    assert (done.exit_code, "mine" in listed(munshi)) == (0, False)
    assert f"when        {said}\n" in done.stdout
    assert re.search(r"next +\d\d \w+ \d\d:\d\d", done.stdout)
    assert done.stdout.endswith("Nothing was stored.\n")


def test_the_rules_for_missed_runs_are_typed_and_changed(munshi: Munshi) -> None:
    munshi("schedule", "set", "mine", *LOGIN, "--every", "1h", "--missed", "run_all", "--most", "3")
    munshi("schedule", "set", "mine", "--within", "7200", "--grace", "60", "--priority", "-5")
    first = listed(munshi)["mine"]["schedule"]

    shown = munshi("schedule", "show", "mine")
    munshi("config", "set", "jobs", "queue.night", "{}")
    munshi("schedule", "set", "mine", "--missed", "skip", "--queue", "night")

    second = listed(munshi)["mine"]["schedule"]
    assert first["missed"] == {"policy": "run_all", "most": 3, "within_seconds": 7200}
    assert (first["grace_seconds"], first["priority"]) == (60, -5)
    assert re.search(r"if missed +run_all up to 3, not after 2 hours", shown.stdout)
    assert (second["missed"], second["queue"]) == ({"policy": "skip"}, "night")


def test_a_schedule_is_paused_and_resumed(munshi: Munshi) -> None:
    paused = munshi("schedule", "pause", "kite_login")
    while_paused = munshi("schedule", "show", "kite_login")

    resumed = munshi("schedule", "resume", "kite_login")

    assert paused.stdout.startswith("kite_login is paused.")
    assert re.search(r"next +paused", while_paused.stdout)
    assert re.match(r"kite_login goes on: \d\d \w+ 0[67]:[13]5", resumed.stdout)


@pytest.mark.usefixtures("brokers")
def test_a_schedule_is_run_now_and_looked_back_at(munshi: Munshi) -> None:
    asked = munshi("schedule", "run", "kite_login")
    munshi("worker", "--until-idle")

    shown = munshi("schedule", "history", "kite_login")
    (row,) = json.loads(munshi("schedule", "history", "kite_login", "--json").stdout)["executions"]
    assert "kite_login is asked for as auto_login" in asked.stdout
    assert "succeeded (asked for)" in shown.stdout
    assert (row["success"], row["platform"], row["retry_count"]) == (True, "kite", 0)
    assert row["job_id"] in asked.stdout


def test_a_schedule_of_ones_own_is_removed_and_munshis_are_not(munshi: Munshi) -> None:
    munshi("schedule", "set", "mine", *LOGIN, "--every", "1h")

    removed = munshi("schedule", "remove", "mine")
    kept = munshi("schedule", "remove", "kite_login")

    assert removed.stdout == "mine is removed.\n"
    assert (kept.exit_code, "munshi schedule pause kite_login" in kept.stderr) == (1, True)
    assert "mine" not in listed(munshi)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "kite_logon"), "There is no schedule 'kite_logon'. Did you mean kite_login"),
        (("set", "mine"), "mine is new: say what to start and when."),
        (("set", "Mine", *LOGIN, "--every", "1h"), "'Mine' is no name for a schedule."),
        (("set", "mine", *LOGIN, "--every", "soon"), "--every 'soon' is not like 30s, 15m"),
        (("set", "mine", *LOGIN, "--cron", "0 0 31 2 *"), "mine.trigger.expression"),
        (
            ("set", "mine", *LOGIN, "--cron", "0 0 * * *", "--zone", "Mars"),
            "mine.trigger.zone 'Mars' is no time zone.",
        ),
        (("set", "kite_login", "--zone", "UTC"), "That says nothing without when it is due."),
        (("set", "mine", "--type", "x", "--every", "1h"), "There is no job type 'x'."),
        (("set", "mine", *LOGIN, "--times", "25:00"), "mine.trigger.times has '25:00'"),
        (
            ("set", "kite_login", "--queue", "attic"),
            "There is no queue 'attic'; there are collection, default",
        ),
        (("set", "kite_login", "--most", "3"), "kite_login.missed.most belongs to run_all"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    munshi: Munshi, words: tuple[str, ...], said: str
) -> None:
    before = listed(munshi)

    done = munshi("schedule", *words)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"munshi: {said}")
    assert done.stderr.count("\n") == 1
    assert {name: one["version"] for name, one in listed(munshi).items()} == {
        name: one["version"] for name, one in before.items()
    }
