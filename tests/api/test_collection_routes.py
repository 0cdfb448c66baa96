"""What a collection would ask for, over HTTP, and when a collection in parts will end."""

from datetime import timedelta
from typing import Any

import pytest

from asgi import Caller
from desks import TESTER, Desk
from munshi.domain.config_keys import MARKET, PART_REQUESTS
from munshi.domain.jobs import COLLECTION_PART, PauseKind

PLAN = "/data/collections/plan"
ASKED: dict[str, Any] = {
    "broker": "breeze",
    "instruments": ["NIFTY", "BANKNIFTY"],
    "interval": "1minute",
    "from": "2026-11-02",
    "to": "2026-11-19",
}


def test_a_plan_tells_the_requests_of_each_broker_and_asks_nobody(api: Caller, desk: Desk) -> None:
    planned = api.post(PLAN, json_body={"parameters": ASKED}).json()

    assert (planned["mode"], planned["label"]) == ("simulated", "simulated: synthetic")
    assert (planned["from"], planned["to"]) == ("2026-11-02", "2026-11-19")
    assert (planned["requests"], planned["requests_by_broker"]) == (14, {"breeze": 14})
    assert planned["outlook"] == "will finish today 10:30"
    assert [part["days_wanted"] for part in planned["instruments"]] == [13, 13]
    assert desk.simulator.arrivals(service="breeze") == []
    assert api.get("/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"interval": "7minute"}, 422, "There is no bar interval"),
        ({"instruments": ["NSE:NOBODY"]}, 404, "NSE:NOBODY is in no list"),
        ({"chain": {"underlying": "NIFTY"}}, 409, "No price of NSE:NIFTY 50 is stored"),
        ({"chain": {"underlying": "NIFTY", "strikes": -1}}, 422, "strikes must be a number"),
        ({"chain": 7}, 422, "chain must have an underlying"),
    ],
)
def test_what_cannot_be_planned_is_one_problem(
    api: Caller, changed: dict[str, Any], status: int, said: str
) -> None:
    answer = api.post(PLAN, json_body={"parameters": {**ASKED, **changed}})

    assert answer.status == status
    assert said in answer.json()["detail"]


def test_a_collection_in_parts_shows_its_end(api: Caller, desk: Desk) -> None:
    desk.log_in_everywhere()
    desk.services.config.set(MARKET, PART_REQUESTS, 7, actor=TESTER)
    desk.services.queues.pause(PauseKind.JOB_TYPE, COLLECTION_PART, actor=TESTER)
    job = api.post("/jobs", json_body={"job_type": "data_collection", "parameters": ASKED}).json()
    desk.clock.advance(timedelta(seconds=1))
    desk.services.worker().run_until_idle()

    shown = api.get(f"/jobs/status/{job['job_id']}").json()

    assert (shown["state"], shown["outlook"]) == ("waiting", "will finish today 10:30")
    assert shown["eta"].startswith("2026-11-20T05:00:")
    assert len(api.get(f"/jobs/{job['job_id']}/children").json()["jobs"]) == 2
