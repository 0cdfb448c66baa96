"""The audit trail over HTTP."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from apis import slug
from asgi import Caller
from desks import Desk

KEEP = "/config/jobs/keep_days"


@pytest.fixture
def trail(api: Caller, desk: Desk) -> list[str]:
    """Five changes a minute apart; their instants."""
    instants = []
    for days in range(30, 35):
        instants.append(desk.clock.now().isoformat())
        api.post(KEEP, json_body={"value": days})
        desk.clock.advance(timedelta(minutes=1))
    return instants


def _values(api: Caller, path: str) -> list[object]:
    return [entry["new_value"] for entry in api.get(path).json()["entries"]]


@pytest.mark.usefixtures("trail")
def test_the_trail_comes_newest_first_and_in_pages_without_gaps(api: Caller) -> None:
    shown: list[object] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/audit/recent?limit=2{cursor}").json()
        shown += [entry["new_value"] for entry in page["entries"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None

    assert shown == [34, 33, 32, 31, 30]


@pytest.mark.usefixtures("trail")
def test_pages_stay_right_while_rows_arrive(api: Caller) -> None:
    first = api.get("/audit/recent?limit=2").json()
    api.post(KEEP, json_body={"value": 99})

    rest = _values(api, f"/audit/recent?cursor={first['next_cursor']}")

    assert rest == [32, 31, 30]


@pytest.mark.usefixtures("trail")
def test_a_things_own_trail_is_found_by_its_name(api: Caller) -> None:
    api.post("/config/auth/kite.user_id", json_body={"value": "AB1234"})

    assert len(_values(api, "/audit/entity/config/jobs/keep_days")) == 5
    assert len(_values(api, "/audit/entity/config/auth/kite.user_id")) == 1
    assert _values(api, "/audit/entity/config/nothing") == []


@pytest.mark.usefixtures("trail")
def test_a_users_trail_is_found_by_name(api: Caller) -> None:
    assert len(_values(api, "/audit/user/local-operator")) == 5
    assert _values(api, "/audit/user/somebody") == []


def test_time_and_action_choose(api: Caller, trail: list[str]) -> None:
    since, until = quote(trail[1]), quote(trail[3])

    assert _values(api, f"/audit/recent?since={since}&until={until}") == [32, 31]
    assert _values(api, f"/audit/recent?since={since}&action=nothing") == []
    assert len(_values(api, "/audit/recent?action=set")) == 5


@pytest.mark.usefixtures("trail")
def test_a_bare_day_begins_at_midnight_in_india(api: Caller) -> None:
    assert len(_values(api, "/audit/recent?since=2026-11-20")) == 5
    assert _values(api, "/audit/recent?since=2026-11-21") == []
    assert _values(api, "/audit/recent?until=2026-11-20") == []


@pytest.mark.usefixtures("trail")
def test_a_plus_sign_that_was_not_escaped_is_understood(api: Caller) -> None:
    assert len(_values(api, "/audit/recent?since=2026-11-20T00:00:00+05:30")) == 5


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-11-20T10:00:00",
        "since=yesterday",
        "since=2026-13-40",
        "since=2026-11-21&until=2026-11-20",
        "limit=0",
        "limit=501",
        "cursor=made-up",
    ],
)
def test_what_cannot_be_meant_is_refused(api: Caller, query: str) -> None:
    answer = api.get(f"/audit/recent?{query}")

    assert answer.status == 422
    assert slug(answer) in {"request-invalid", "date-range-invalid", "cursor-invalid"}


@pytest.mark.usefixtures("trail")
def test_everything_can_be_asked_for_together(api: Caller) -> None:
    (newest, *_) = api.get("/audit?limit=1").json()["entries"]

    found = _values(api, f"/audit?request_id={newest['request_id']}&user_id=local-operator")

    assert found == [34]
    assert _values(api, "/audit?entity_type=config&entity_id=jobs/keep_days&limit=2") == [34, 33]
    assert _values(api, "/audit?job_id=nothing") == []


@pytest.mark.usefixtures("trail")
def test_an_export_is_a_file_of_rows_oldest_first_and_is_itself_audited(api: Caller) -> None:
    lines = api.get("/audit/export?format=jsonl&entity_id=jobs/keep_days")
    table = api.get("/audit/export?entity_id=jobs/keep_days")

    assert [json.loads(line)["new_value"] for line in lines.text.splitlines()] == [
        30,
        31,
        32,
        33,
        34,
    ]
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert table.text.startswith("id,timestamp,entity_type,")
    ways = [value["way"] for value in _exports(api)]
    assert ways == ["api csv", "api jsonl"]


def _exports(api: Caller) -> list[dict[str, object]]:
    entries = api.get("/audit?entity_type=audit&action=export").json()["entries"]
    return [entry["new_value"] for entry in entries]


def test_a_format_that_is_none_is_refused(api: Caller) -> None:
    answer = api.get("/audit/export?format=xlsx")

    assert (answer.status, slug(answer)) == (422, "request-invalid")
