"""`munshi jobs` and `munshi worker`."""

import json
import re
from uuid import uuid4

import pytest

from command_line import Munshi

pytestmark = pytest.mark.usefixtures("brokers")
SIMULATED = "SIMULATED brokers: no price and no login here is real.\n"
LOGIN = ("jobs", "run", "auto_login", "--param", "service=kite")
COLLECT = (
    *("jobs", "run", "data_collection", "--param", "broker=kite"),
    *("--param", "instruments=NIFTY, BANKNIFTY", "--param", "interval=5m"),
    *("--param", "from=2026-11-18", "--param", "to=2026-11-19"),
)


def queue_login(munshi: Munshi) -> str:
    job_id: str = json.loads(munshi(*LOGIN, "--json").stdout)["job_id"]
    return job_id


def test_a_desk_without_jobs_says_so(munshi: Munshi) -> None:
    result = munshi("jobs", "list")

    assert (result.stdout, result.stderr) == ("No jobs.\n", SIMULATED)
    assert json.loads(munshi("jobs", "list", "--json").stdout) == {
        "mode": "simulated",
        "jobs": [],
        "next_cursor": None,
    }


def test_a_job_is_queued_for_a_worker_and_run_by_one(munshi: Munshi) -> None:
    queued = munshi(*LOGIN)
    job_id = re.findall(r"job +(\S+)", queued.stdout)[0]

    worked = munshi("worker", "--until-idle")

    assert f"munshi jobs watch {job_id}" in queued.stdout
    assert worked.stdout == "Jobs run: 1.\n"
    shown = munshi("jobs", "show", job_id)
    assert re.search(r"state +succeeded", shown.stdout)
    assert re.search(r"asked by +command-line", shown.stdout)
    assert munshi("login", "kite", "--wait", "0", "--headless").exit_code == 0


def test_a_collection_is_run_and_waited_for(munshi: Munshi) -> None:
    munshi("login", "kite", "--headless")

    result = munshi(*COLLECT, "--wait", "--json")

    job = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (job["mode"], job["state"], job["progress_percent"]) == ("simulated", "succeeded", 100)
    assert job["parameters"]["instruments"] == ["NSE:NIFTY 50", "NSE:NIFTY BANK"]
    assert [part["bars_present"] for part in job["result"]["instruments"]] == [150, 150]
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["succeeded"]
    assert "100%" in result.stderr


def test_a_job_that_needs_a_person_is_not_waited_for(munshi: Munshi) -> None:
    munshi("config", "set", "auth", "simulated_headless", "false")

    result = munshi(*LOGIN, "--wait")

    assert result.exit_code == 1
    assert re.search(r"state +paused", result.stdout)
    assert re.search(r"message +.*http://localhost:8000/auth/kite/start", result.stdout)


def test_jobs_are_listed_newest_first_and_filtered(munshi: Munshi) -> None:
    first, second = queue_login(munshi), queue_login(munshi)
    munshi("jobs", "cancel", first)

    listed = json.loads(munshi("jobs", "list", "--json").stdout)["jobs"]
    queued = json.loads(munshi("jobs", "list", "--state", "queued", "--json").stdout)["jobs"]
    others = munshi("jobs", "list", "--type", "data_collection")

    assert [job["job_id"] for job in listed] == [second, first]
    assert [job["job_id"] for job in queued] == [second]
    assert others.stdout == "No jobs.\n"
    assert re.search(
        rf"{second} +auto_login +queued +\d\d \w+ \d\d:\d\d", munshi("jobs", "list").stdout
    )


def test_a_queued_job_is_cancelled_once(munshi: Munshi) -> None:
    job_id = queue_login(munshi)

    first = munshi("jobs", "cancel", job_id)
    second = munshi("jobs", "cancel", job_id)

    assert first.stdout == f"auto_login {job_id} is cancelled.\n"
    assert (second.exit_code, second.stdout) == (1, "")
    assert second.stderr.startswith("munshi: ")


def test_ended_jobs_are_cleared_up_after_the_days_asked_for(munshi: Munshi) -> None:
    munshi("jobs", "cancel", queue_login(munshi))

    kept = munshi("jobs", "cleanup")
    deleted = json.loads(munshi("jobs", "cleanup", "--days", "0", "--json").stdout)

    assert kept.stdout == "Jobs deleted that ended more than 7 days ago: 0.\n"
    assert deleted == {"deleted": 1, "days": 0}
    assert munshi("jobs", "list").stdout == "No jobs.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("jobs", "show", "17"), "There is no job 17. See: munshi jobs list"),
        (("jobs", "cancel", str(uuid4())), "There is no job "),
        (("jobs", "run", "autologin"), "There is no job type 'autologin'. Did you mean auto_login"),
        (("jobs", "run", "auto_login"), "Not given: service."),
        ((*LOGIN[:3], "--param", "service=zerodha"), "service must be kite or breeze"),
        ((*LOGIN[:3], "--param", "kite"), "'kite' is not NAME=VALUE."),
        ((*LOGIN, "--param", "service=breeze"), "service is given twice."),
        ((*COLLECT[:-1], "to=2026-11-01"), "The range ends on 2026-11-01, before it starts"),
        ((*COLLECT[:-1], "to=tomorrow"), "to must be a date like 2026-11-20"),
        ((*COLLECT, "--param", "speed=high"), "Not known here: speed."),
    ],
)
def test_what_cannot_be_understood_is_one_line_and_no_job(
    munshi: Munshi, words: tuple[str, ...], said: str
) -> None:
    result = munshi(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"munshi: {said}")
    assert result.stderr.count("\n") == 1
    assert munshi("jobs", "list").stdout == "No jobs.\n"
