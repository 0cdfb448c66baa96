"""Many jobs at once over HTTP, and the queues they stand in."""

from typing import Any

import pytest

from apis import slug
from asgi import Caller
from desks import Desk

LOGIN = {"job_type": "auto_login", "parameters": {"service": "kite"}}


def ask(api: Caller, count: int) -> list[str]:
    return [api.post("/jobs", json_body=LOGIN).json()["job_id"] for _ in range(count)]


def default_queue(api: Caller) -> dict[str, Any]:
    queues: list[dict[str, Any]] = api.get("/jobs/queues").json()["queues"]
    return next(queue for queue in queues if queue["name"] == "default")


def test_a_preview_shows_what_would_be_cancelled_and_does_nothing(api: Caller) -> None:
    asked = ask(api, 3)

    shown = api.post("/jobs/bulk/cancel/preview", json_body={"job_type": "auto_login"}).json()

    assert (shown["action"], shown["jobs"], shown["mode"]) == ("cancel", 3, "simulated")
    assert shown["counts"] == [{"job_type": "auto_login", "state": "queued", "jobs": 3}]
    assert {job["job_id"] for job in shown["newest"]} == set(asked)
    assert len(api.get("/jobs?state=queued").json()["jobs"]) == 3


def test_what_was_seen_is_cancelled_tried_again_and_discarded(api: Caller) -> None:
    asked = ask(api, 3)

    cancelled = api.post("/jobs/bulk/cancel", json_body={"state": ["queued"], "jobs": 3}).json()
    retried = api.post("/jobs/bulk/retry", json_body={"state": ["cancelled"], "jobs": 3}).json()
    api.post("/jobs/bulk/cancel", json_body={"jobs": 3})
    discarded = api.post("/jobs/bulk/discard", json_body={"jobs": 3}).json()

    assert cancelled == {"action": "cancel", "done": 3, "skipped": 0}
    assert retried == {"action": "retry", "done": 3, "skipped": 0}
    assert discarded == {"action": "discard", "done": 3, "skipped": 0}
    assert api.get("/jobs").json()["jobs"] == []
    entries = api.get(f"/audit/entity/job/{asked[0]}").json()["entries"]
    assert [entry["action"] for entry in entries] == [
        *("discard", "cancel", "retry", "cancel", "enqueue"),
    ]


def test_a_filter_that_means_more_than_was_seen_does_nothing(api: Caller) -> None:
    ask(api, 2)
    seen = api.post("/jobs/bulk/cancel/preview", json_body={}).json()["jobs"]
    ask(api, 1)

    answer = api.post("/jobs/bulk/cancel", json_body={"jobs": seen})

    assert (answer.status, slug(answer)) == (409, "job-selection-grown")
    assert len(api.get("/jobs?state=queued").json()["jobs"]) == 3


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/jobs/bulk/cancel", {}),
        ("/jobs/bulk/cancel", {"jobs": -1}),
        ("/jobs/bulk/cancel", {"jobs": 1, "status": "queued"}),
        ("/jobs/bulk/cancel", {"jobs": 1, "state": []}),
        ("/jobs/bulk/cancel", {"jobs": 1, "state": ["succeeded"]}),
        ("/jobs/bulk/retry/preview", {"state": ["running"]}),
        ("/jobs/bulk/forget", {"jobs": 1}),
        ("/jobs/bulk/cancel/preview", {"parent": "nobody"}),
        ("/jobs/bulk/cancel/preview", {"said": "a\0b"}),
        ("/jobs/bulk/cancel/preview", {"since": "2026-11-20", "until": "2026-11-19"}),
    ],
)
def test_a_filter_that_cannot_be_is_refused(
    api: Caller, target: str, body: dict[str, object]
) -> None:
    ask(api, 1)

    answer = api.post(target, json_body=body)

    assert answer.status == 422
    assert slug(answer) in {"request-invalid", "date-range-invalid"}
    assert len(api.get("/jobs?state=queued").json()["jobs"]) == 1


def test_a_paused_queue_says_who_paused_it_and_why(api: Caller) -> None:
    first_asked, _ = ask(api, 2)

    first = api.post("/jobs/queues/default/pause", json_body={"reason": "Broker is down."}).json()
    again = api.post("/jobs/queues/default/pause").json()
    queue = default_queue(api)
    resumed = api.post("/jobs/queues/default/resume").json()

    assert first == {"kind": "queue", "name": "default", "paused": True, "changed": True}
    assert again["changed"] is False
    assert (queue["name"], queue["queued"], queue["limit"]) == ("default", 2, None)
    assert queue["oldest_at"] == api.get(f"/jobs/status/{first_asked}").json()["run_at"]
    assert queue["pause"]["reason"] == "Broker is down."
    assert queue["pause"]["paused_by"] == "local-operator"
    assert resumed == {"kind": "queue", "name": "default", "paused": False, "changed": True}
    assert default_queue(api)["pause"] is None


def test_a_paused_type_is_not_taken_until_it_is_resumed(api: Caller, desk: Desk) -> None:
    (job_id,) = ask(api, 1)
    api.post("/jobs/types/auto_login/pause")

    desk.services.worker().run_until_idle()
    waiting = api.get(f"/jobs/status/{job_id}").json()["state"]
    paused = api.get("/jobs/queues").json()["paused_types"]
    api.post("/jobs/types/auto_login/resume")
    desk.services.worker().run_until_idle()

    assert (waiting, [pause["name"] for pause in paused]) == ("queued", ["auto_login"])
    assert api.get(f"/jobs/status/{job_id}").json()["state"] == "succeeded"


def test_limits_are_shown_with_their_queue(api: Caller) -> None:
    api.post("/config/jobs/queue.slow", json_body={"value": {"limit": 2, "per_key": 1}})

    shown = {queue["name"]: queue for queue in api.get("/jobs/queues").json()["queues"]}

    assert (shown["slow"]["limit"], shown["slow"]["per_key"]) == (2, 1)
    assert shown["slow"]["places_taken"] == 0


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("/jobs/queues/swift/pause", "queue-unknown"),
        ("/jobs/types/swift/pause", "job-type-unknown"),
    ],
)
def test_what_there_is_not_cannot_be_paused(api: Caller, target: str, problem: str) -> None:
    answer = api.post(target)

    assert (answer.status, slug(answer)) == (404, problem)


def test_workers_are_shown_while_they_work(api: Caller, desk: Desk) -> None:
    before = api.get("/jobs/workers").json()["workers"]
    worker = desk.services.worker()
    worker.start()
    try:
        during = []
        for _ in range(2000):
            if during := api.get("/jobs/workers").json()["workers"]:
                break
    finally:
        worker.stop()

    assert before == []
    assert [each["worker_id"] for each in during] == [worker.worker_id]
    assert (during[0]["status"], during[0]["abandoned"]) == ("working", 0)
    assert during[0]["heartbeat_age_seconds"] >= 0
