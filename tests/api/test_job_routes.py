"""Jobs over HTTP."""

from typing import Any

import pytest

from apis import slug
from asgi import Caller
from desks import Desk
from munshi.domain.config_keys import JOBS, KEEP_DAYS

COLLECT: dict[str, Any] = {
    "job_type": "data_collection",
    "parameters": {
        "broker": "kite",
        "instruments": ["NIFTY"],
        "interval": "5m",
        "from": "2026-11-16",
        "to": "2026-11-19",
    },
}


def test_a_job_that_is_asked_for_is_accepted_and_found_again(api: Caller) -> None:
    asked = api.post("/jobs", json_body=COLLECT)

    assert asked.status == 202
    found = api.get(asked.headers["location"]).json()
    assert found["job_id"] == asked.json()["job_id"]
    assert found["state"] == "queued"
    assert found["mode"] == "simulated"
    assert found["created_by"] == "local-operator"
    assert found["parameters"]["instruments"] == ["NSE:NIFTY 50"]
    assert found["parameters"]["interval"] == "5minute"
    assert found["attempts"] == []
    assert (found["result"], found["error"]) == (None, None)


def test_asking_twice_with_one_key_gives_one_job(api: Caller) -> None:
    body = {**COLLECT, "idempotency_key": "nifty-of-the-day"}

    first = api.post("/jobs", json_body=body)
    second = api.post("/jobs", json_body=body)

    assert first.json()["job_id"] == second.json()["job_id"]
    assert len(api.get("/jobs/recent").json()["jobs"]) == 1


def test_recent_jobs_come_newest_first_in_pages(api: Caller, desk: Desk) -> None:
    asked = []
    for _ in range(3):
        asked.append(api.post("/jobs", json_body=COLLECT).json()["job_id"])
        desk.clock.sleep(1)

    first = api.get("/jobs/recent?limit=2").json()
    second = api.get(f"/jobs/recent?limit=2&cursor={first['next_cursor']}").json()

    shown = [job["job_id"] for page in (first, second) for job in page["jobs"]]
    assert shown == asked[::-1]
    assert second["next_cursor"] is None


def test_recent_jobs_can_be_chosen_by_state_and_type(api: Caller) -> None:
    cancelled = api.post("/jobs", json_body=COLLECT).json()["job_id"]
    api.post(f"/jobs/{cancelled}/cancel")
    api.post("/jobs", json_body={"job_type": "auto_login", "parameters": {"service": "kite"}})

    by_state = api.get("/jobs/recent?state=cancelled&state=failed").json()["jobs"]
    by_type = api.get("/jobs/recent?job_type=auto_login").json()["jobs"]

    assert [job["job_id"] for job in by_state] == [cancelled]
    assert [job["job_type"] for job in by_type] == ["auto_login"]


def test_a_running_job_shows_its_progress_and_then_its_result(api: Caller, desk: Desk) -> None:
    job_id = api.post(
        "/jobs", json_body={"job_type": "auto_login", "parameters": {"service": "kite"}}
    ).json()["job_id"]
    worker = desk.services.worker()
    worker.start()
    try:
        _wait_until_over(api, job_id)
    finally:
        worker.stop()

    found = api.get(f"/jobs/status/{job_id}").json()
    assert found["state"] == "succeeded"
    assert found["progress_percent"] == 100
    assert found["result"]["service"] == "kite"
    assert [attempt["outcome"] for attempt in found["attempts"]] == ["succeeded"]
    assert api.get("/jobs/running").json()["jobs"] == []


def _wait_until_over(api: Caller, job_id: str) -> None:
    for _ in range(2000):
        if api.get(f"/jobs/status/{job_id}").json()["completed_at"]:
            return
    pytest.fail("the job did not end")


def test_a_waiting_job_is_cancelled_once(api: Caller) -> None:
    job_id = api.post("/jobs", json_body=COLLECT).json()["job_id"]

    first = api.post(f"/jobs/{job_id}/cancel")
    second = api.post(f"/jobs/{job_id}/cancel")

    assert first.json()["state"] == "cancelled"
    assert (second.status, slug(second)) == (409, "job-state-conflict")


@pytest.mark.parametrize("job_id", ["00000000-0000-4000-8000-000000000000", "not-a-job", "%20"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/jobs/status/{}"), ("POST", "/jobs/{}/cancel")]
)
def test_an_unknown_job_is_not_found(api: Caller, job_id: str, method: str, path: str) -> None:
    answer = api.ask(method, path.format(job_id))

    assert (answer.status, slug(answer)) == (404, "job-unknown")


def test_an_unknown_job_type_is_not_found(api: Caller) -> None:
    answer = api.post("/jobs", json_body={"job_type": "data_colection"})

    assert (answer.status, slug(answer)) == (404, "job-type-unknown")
    assert "data_collection" in answer.json()["hint"]


@pytest.mark.parametrize(
    "changed",
    [
        {"from": "2026-11-19", "to": "2026-11-16"},
        {"interval": "7minute"},
        {"broker": "zerodha"},
        {"instruments": []},
        {"from": "yesterday"},
        {"speed": 3},
    ],
)
def test_parameters_that_make_no_sense_store_nothing(
    api: Caller, changed: dict[str, object]
) -> None:
    body = {**COLLECT, "parameters": {**COLLECT["parameters"], **changed}}

    answer = api.post("/jobs", json_body=body)

    assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
    assert api.get("/jobs/recent").json()["jobs"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "state=finished", "cursor=made-up"]
)
def test_a_page_that_cannot_be_is_refused(api: Caller, query: str) -> None:
    answer = api.get(f"/jobs/recent?{query}")

    assert answer.status == 422
    assert slug(answer) in {"request-invalid", "cursor-invalid"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"job_type": ""},
        {**COLLECT, "priority": 101},
        {**COLLECT, "run_at": "2026-11-20T10:00:00"},
        {**COLLECT, "parameters": "x"},
        {**COLLECT, "urgent": True},
    ],
)
def test_a_request_that_is_no_job_is_refused(api: Caller, body: object) -> None:
    answer = api.post("/jobs", json_body=body)

    assert (answer.status, slug(answer)) == (422, "request-invalid")


def test_cleanup_takes_the_days_from_the_configuration(api: Caller, desk: Desk) -> None:
    job_id = api.post("/jobs", json_body=COLLECT).json()["job_id"]
    api.post(f"/jobs/{job_id}/cancel")
    keep = desk.services.config.value(JOBS, KEEP_DAYS)

    kept = api.post("/jobs/cleanup").json()
    desk.clock.sleep(1)
    deleted = api.post("/jobs/cleanup", json_body={"days": 0}).json()

    assert kept == {"deleted": 0, "days": keep}
    assert deleted == {"deleted": 1, "days": 0}
    assert slug(api.get(f"/jobs/status/{job_id}")) == "job-unknown"
