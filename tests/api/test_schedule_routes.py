"""Schedules over HTTP."""

from typing import Any

import pytest

from apis import slug
from asgi import Caller
from desks import Desk

LOGIN: dict[str, Any] = {
    "job_type": "auto_login",
    "parameters": {"service": "kite"},
    "trigger": {"kind": "times", "times": ["11:00"], "weekdays_only": False},
    "enabled": True,
}
NOON = "/schedules/noon"


@pytest.fixture
def noon(api: Caller) -> Caller:
    assert api.post(NOON, json_body={"schedule": LOGIN}).status == 200
    return api


def test_a_schedule_is_stored_and_shown_with_its_next_runs(noon: Caller) -> None:
    shown = noon.get(NOON).json()

    (listed,) = noon.get("/schedules").json()["schedules"]
    assert listed == shown
    assert shown["timing"] == "at 11:00 IST, every day"
    assert shown["next_runs"][0] == "2026-11-20T05:30:00Z"
    assert len(shown["next_runs"]) == 5
    assert (shown["version"], shown["enabled"], shown["last"]) == (1, True, None)
    assert shown["schedule"]["trigger"] == LOGIN["trigger"]


def test_a_preview_stores_nothing(api: Caller) -> None:
    answer = api.post(NOON, json_body={"schedule": LOGIN, "preview": True})

    assert answer.json()["next_runs"][0] == "2026-11-20T05:30:00Z"
    assert slug(api.get(NOON)) == "schedule-unknown"


def test_a_schedule_is_paused_resumed_and_removed(noon: Caller) -> None:
    enabled = [noon.post(f"{NOON}/{what}").json()["enabled"] for what in ("pause", "resume")]

    removed = noon.post(f"{NOON}/remove")

    assert enabled == [False, True]
    assert removed.json() == {"removed": "noon"}
    assert noon.get(NOON).status == 404


def test_a_run_on_demand_is_a_job_that_the_history_shows(noon: Caller) -> None:
    answer = noon.post(f"{NOON}/run")

    job = answer.json()
    (row,) = noon.get(f"{NOON}/history").json()["executions"]
    older = noon.get(f"{NOON}/history?before={row['scheduled_for']}").json()["executions"]
    assert answer.status == 202
    assert answer.headers["location"] == f"/jobs/status/{job['job_id']}"
    assert (row["job_id"], row["status"], row["success"]) == (job["job_id"], "on_demand", None)
    assert older == []


def test_what_munshi_brings_cannot_be_removed(api: Caller, desk: Desk) -> None:
    desk.services.config.seed()

    answer = api.post("/schedules/kite_login/remove")

    assert (answer.status, slug(answer)) == (409, "schedule-seeded")


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"schedule": {**LOGIN, "job_type": "nothing"}}, 404, "job-type-unknown"),
        ({"schedule": {**LOGIN, "parameters": {}}}, 422, "job-parameters-invalid"),
        ({"schedule": {**LOGIN, "trigger": {"kind": "x"}}}, 422, "config-value-invalid"),
        (
            {"schedule": {**LOGIN, "trigger": {"kind": "cron", "expression": "0 0 31 2 *"}}},
            422,
            "config-value-invalid",
        ),
        ({"schedule": LOGIN, "expected_version": 7}, 412, "config-version-conflict"),
        ({"schedule": []}, 422, "request-invalid"),
        ({}, 422, "request-invalid"),
        ({"schedule": {**LOGIN, "queue": "a\0b"}}, 422, "request-invalid"),
    ],
)
def test_what_cannot_run_is_refused_and_not_stored(
    api: Caller, body: dict[str, Any], status: int, problem: str
) -> None:
    answer = api.post(NOON, json_body=body)

    assert (answer.status, slug(answer)) == (status, problem)
    assert api.get("/schedules").json()["schedules"] == []


@pytest.mark.parametrize("path", ["", "/history", "/run", "/pause", "/resume", "/remove"])
def test_an_unknown_schedule_is_not_found(api: Caller, path: str) -> None:
    address = f"/schedules/nothing{path}"

    answer = api.get(address) if path in {"", "/history"} else api.post(address)

    assert (answer.status, slug(answer)) == (404, "schedule-unknown")
