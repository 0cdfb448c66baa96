"""Input that nobody means is refused in words; it never breaks anything."""

import json
from typing import Any

import pytest

from asgi import Answer, Caller

JSON = {"content-type": "application/json"}
JOB: dict[str, Any] = {"job_type": "auto_login", "parameters": {"service": "kite"}}
KEEP = "/config/jobs/keep_days"
ODD_ADDRESSES = [
    "/audit/user/a%00b",
    "/audit/recent?action=a%00b",
    "/data/instruments?query=%00",
    "/audit/recent?since=0001-01-01T00:00:00%2B05:30",
    "/audit/recent?until=9999-12-31T23:59:59-12:00",
    "/audit/recent?since=0001-01-01",
    "/audit/recent?cursor=" + "9" * 150,
    "/jobs/recent?cursor=" + "A" * 5000,
    "/jobs/recent?limit=" + "9" * 40,
    "/data/candles?instrument=NIFTY&interval=1day&from=0001-01-01",
    "/data/candles?instrument=NIFTY&interval=1day&to=9999-12-31",
    "/data/candles?instrument=" + "N" * 300 + "&interval=1day",
    "/data/candles?instrument=NSE:%F0%9F%92%A5&interval=1day",
    "/data/instruments?cursor=%FF%FE",
    "/config/%2e%2e",
    "/config/" + "x" * 300,
    "/auth/nobody/start?ticket=x",
    "/auth/kite/start?ticket=%C3%A9",
    "/auth/kite/callback?request_token=x&state=%F0%9F%92%A5",
    "/jobs/status/%F0%9F%92%A5",
    "/jobs?state=finished",
    "/jobs?parent=me",
    "/jobs?urgent=yes",
    "/jobs?since=0001-01-01",
    "/jobs?said=" + "x" * 300,
    "/jobs/%F0%9F%92%A5/log?after=1:1",
    "/jobs/x/artifacts/%2e%2e%2f%2e%2e%2fvault.key",
    "/jobs/%F0%9F%92%A5/events",
]
ODD_BODIES: list[tuple[str, object]] = [
    ("/jobs", {**JOB, "idempotency_key": "a\0b"}),
    ("/jobs", {**JOB, "idempotency_key": "\ud800"}),
    ("/jobs", {**JOB, "parameters": {"service": "kite", "x": {"deep": ["\0"]}}}),
    ("/jobs", {**JOB, "parameters": {"service": ["kite"]}}),
    ("/jobs", {**JOB, "parameters": {"service": "k" * 10_000}}),
    ("/jobs", {**JOB, "priority": 10**40}),
    ("/jobs", {**JOB, "priority": 1.5}),
    ("/jobs", {**JOB, "run_at": "0001-01-01T00:00:00+14:00"}),
    ("/jobs", {**JOB, "run_at": "9999-12-31T23:59:59-14:00"}),
    ("/jobs", {**JOB, "run_at": 1e300}),
    ("/jobs", {"job_type": "\ud800"}),
    ("/jobs", {**JOB, "queue": "\0"}),
    ("/jobs", {**JOB, "queue": "q" * 101}),
    ("/jobs", {**JOB, "unique_for_seconds": 10}),
    ("/jobs", {**JOB, "idempotency_key": "a", "unique_for_seconds": 10**40}),
    ("/jobs/bulk/cancel", {"jobs": 10**40}),
    ("/jobs/bulk/cancel", {"jobs": True, "said": "\ud800"}),
    ("/jobs/bulk/cancel/preview", {"state": "queued"}),
    ("/jobs/queues/" + "q" * 300 + "/pause", {"reason": "x"}),
    ("/jobs/queues/default/pause", {"reason": "x" * 501}),
    ("/jobs/types/%F0%9F%92%A5/pause", {}),
    ("/jobs/cleanup", {"days": 10**40}),
    ("/jobs/cleanup", {"days": -1}),
    (KEEP, {"value": 10**400}),
    (KEEP, {"value": "\0"}),
    (KEEP, {"value": 30, "expected_version": 10**40}),
    ("/config/auth/kite.api_secret", {"value": "\ud800"}),
    ("/config/auth/kite.api_secret", {"value": 7}),
    ("/config/auth/kite.user_id", {"value": "x" * 100_000}),
    ("/config/api/limit.kite.quote", {"value": {"requests": 1.5, "seconds": 1}}),
    ("/config/api/limit.kite.quote", {"value": {"requests": 1, "seconds": "soon"}}),
    ("/config/market/calendar.2026", {"value": {"holidays": "none"}}),
    ("/config/market/calendar.99999", {"value": {}}),
    ("/config/scheduler/schedule.x", {"value": [1, 2, 3]}),
    ("/auth/db/kite/login", {"request_token": "\0"}),
    ("/auth/db/kite/login", {"request_token": "x" * 501}),
    ("/auth/db/breeze/login", {"api_session": {"a": 1}}),
]


def _is_refusal(answer: Answer) -> bool:
    in_words = answer.headers["content-type"] == "application/problem+json"
    return in_words and 400 <= answer.status < 500


def test_an_odd_address_is_refused_in_words(api: Caller) -> None:
    answers = {target: api.get(target) for target in ODD_ADDRESSES}

    assert {target: got for target, got in answers.items() if not _is_refusal(got)} == {}


def test_an_odd_body_is_refused_in_words_and_changes_nothing(api: Caller) -> None:
    answers = [
        (target, body, api.post(target, body=json.dumps(body).encode(), headers=JSON))
        for target, body in ODD_BODIES
    ]

    assert [answer for answer in answers if not _is_refusal(answer[2])] == []
    assert api.get("/audit/recent").json()["entries"] == []


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"value":' * 20_000, b"\xff\xfe", b"\xef\xbb\xbf"]
)
def test_bytes_that_are_hardly_json_are_refused(api: Caller, body: bytes) -> None:
    answer = api.post(KEEP, body=body, headers=JSON)

    assert answer.status == 400
    assert answer.json()["type"] == "/problems/body-malformed"


@pytest.mark.parametrize(
    "body", [b"API_Session=%00", b"API_Session=" + b"x" * 501, b"API_Session[]=1", b"%"]
)
def test_an_odd_form_is_refused(api: Caller, body: bytes) -> None:
    answer = api.post(
        "/auth/breeze/callback",
        body=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert 400 <= answer.status < 500
