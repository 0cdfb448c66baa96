"""Configuration over HTTP."""

import pytest

from apis import slug
from asgi import Caller
from munshi.domain.config_keys import JOBS, KEEP_DAYS

KEEP = f"/config/{JOBS}/{KEEP_DAYS}"


def _value(api: Caller, config_type: str, key: str) -> dict[str, object]:
    values = api.get(f"/config/{config_type}").json()["values"]
    found: dict[str, object] = next(each for each in values if each["config_key"] == key)
    return found


def test_a_value_nobody_set_is_its_default_at_version_nought(api: Caller) -> None:
    found = _value(api, JOBS, KEEP_DAYS)

    assert (found["version"], found["is_set"]) == (0, False)
    assert isinstance(found["value"], int)
    assert found["description"]


def test_a_value_that_was_set_is_kept_with_its_version(api: Caller) -> None:
    answer = api.post(KEEP, json_body={"value": 45})

    assert answer.status == 200
    found = _value(api, JOBS, KEEP_DAYS)
    assert found == answer.json()
    assert (found["value"], found["version"], found["updated_by"]) == (45, 1, "local-operator")


def test_null_puts_the_default_back(api: Caller) -> None:
    default = _value(api, JOBS, KEEP_DAYS)["value"]
    api.post(KEEP, json_body={"value": 45})

    answer = api.post(KEEP, json_body={"value": None})

    assert (answer.json()["value"], answer.json()["is_set"]) == (default, False)


def test_who_was_slower_is_told(api: Caller) -> None:
    api.post(KEEP, json_body={"value": 45, "expected_version": 0})

    answer = api.post(KEEP, json_body={"value": 46, "expected_version": 0})

    assert (answer.status, slug(answer)) == (412, "config-version-conflict")
    assert _value(api, JOBS, KEEP_DAYS)["value"] == 45


def test_all_is_not_a_type(api: Caller) -> None:
    everything = api.get("/config/all").json()["values"]

    assert {JOBS, "auth", "scheduler"} <= {each["config_type"] for each in everything}


def test_a_secret_is_never_shown(api: Caller) -> None:
    answer = api.post("/config/auth/kite.api_secret", json_body={"value": "swordfish"})

    assert answer.status == 200
    assert (answer.json()["value"], answer.json()["is_set"]) == (None, True)
    told = [answer, *(api.get(path) for path in ("/config/auth", "/config/all", "/audit/recent"))]
    assert [each for each in told if "swordfish" in each.text] == []


def test_an_unknown_type_lists_those_there_are(api: Caller) -> None:
    for answer in (
        api.get("/config/nothing"),
        api.post("/config/nothing/x", json_body={"value": 1}),
    ):
        assert (answer.status, slug(answer)) == (404, "config-type-unknown")
        assert JOBS in answer.text


def test_an_unknown_key_names_the_nearest(api: Caller) -> None:
    answer = api.post(f"/config/{JOBS}/keep_day", json_body={"value": 1})

    assert (answer.status, slug(answer)) == (404, "config-key-unknown")
    assert KEEP_DAYS in answer.json()["hint"]


@pytest.mark.parametrize("value", ["many", -1, 4.5, True, [1], {"days": 1}, 10**30])
def test_a_value_of_the_wrong_shape_is_refused_and_not_stored(api: Caller, value: object) -> None:
    answer = api.post(KEEP, json_body={"value": value})

    assert (answer.status, slug(answer)) == (422, "config-value-invalid")
    assert _value(api, JOBS, KEEP_DAYS)["version"] == 0


@pytest.mark.parametrize(
    "body", [{}, {"value": 1, "expected_version": -1}, {"value": 1, "version": 2}, 45, None]
)
def test_a_change_without_a_value_is_refused(api: Caller, body: object) -> None:
    answer = api.post(KEEP, json_body=body)

    assert (answer.status, slug(answer)) == (422, "request-invalid")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_numbers_that_json_does_not_know_are_refused(api: Caller, value: str) -> None:
    body = f'{{"value": {value}}}'.encode()

    answer = api.post(KEEP, body=body, headers={"content-type": "application/json"})

    assert answer.status in {400, 422}


def test_a_version_has_a_tag_by_which_it_is_asked_for_and_changed(api: Caller) -> None:
    first = api.get(KEEP)
    changed = api.put(KEEP, json_body={"value": 45}, headers={"if-match": first.headers["etag"]})
    again = api.put(KEEP, json_body={"value": 46}, headers={"if-match": first.headers["etag"]})

    assert (first.headers["etag"], changed.headers["etag"]) == ('"v0"', '"v1"')
    assert (again.status, slug(again)) == (412, "config-version-conflict")
    assert api.get(KEEP).json()["value"] == 45


@pytest.mark.parametrize("asked", ["*", '"v0"', '"v7", "v0"', ' "v7" ,"v0" '])
def test_a_condition_that_holds_lets_the_change_through(api: Caller, asked: str) -> None:
    assert api.put(KEEP, json_body={"value": 45}, headers={"if-match": asked}).status == 200


@pytest.mark.parametrize("asked", ['W/"v0"', '"v1"', '"v1", "v2"', '""', '"r0"'])
def test_a_condition_that_does_not_hold_changes_nothing(api: Caller, asked: str) -> None:
    answer = api.put(KEEP, json_body={"value": 45}, headers={"if-match": asked})

    assert (answer.status, slug(answer)) == (412, "config-version-conflict")
    assert _value(api, JOBS, KEEP_DAYS)["version"] == 0


@pytest.mark.parametrize("asked", ["v0", '"v0', '"v0" "v1"', '*, "v0"', "", "W/v0", '"a"b"'])
@pytest.mark.parametrize("header", ["if-match", "if-none-match"])
def test_a_condition_that_cannot_be_read_is_one_clear_error(
    api: Caller, header: str, asked: str
) -> None:
    if header == "if-match":
        answer = api.put(KEEP, json_body={"value": 45}, headers={header: asked})
    else:
        answer = api.get(KEEP, headers={header: asked})

    assert (answer.status, slug(answer)) == (400, "condition-malformed")


@pytest.mark.parametrize("path", ["/config/all", f"/config/{JOBS}", KEEP])
def test_what_did_not_change_is_not_sent_again(api: Caller, path: str) -> None:
    tag = api.get(path).headers["etag"]
    same = api.get(path, headers={"if-none-match": f'"other", W/{tag}'})
    api.post(KEEP, json_body={"value": 45})
    other = api.get(path, headers={"if-none-match": tag})

    assert (same.status, same.text, same.headers["etag"]) == (304, "", tag)
    assert other.status == 200
    assert other.headers["etag"] != tag


def test_changes_of_several_types_share_a_revision(api: Caller) -> None:
    changes = [
        {"config_type": JOBS, "config_key": KEEP_DAYS, "value": 45},
        {"config_type": "health", "config_key": "stale_minutes", "value": 20},
    ]
    tag = api.get("/config/all").headers["etag"]

    answer = api.patch("/config", json_body={"changes": changes}, headers={"if-match": tag})
    late = api.patch("/config", json_body={"changes": changes}, headers={"if-match": tag})

    assert len({each["revision"] for each in answer.json()["values"]}) == 1
    assert (late.status, slug(late)) == (412, "config-version-conflict")
    newest = api.get("/config/revisions").json()["revisions"][0]
    assert newest["keys"] == ["health/stale_minutes", f"{JOBS}/{KEEP_DAYS}"]


def test_one_bad_value_among_several_stops_all(api: Caller) -> None:
    changes = [
        {"config_type": JOBS, "config_key": KEEP_DAYS, "value": 45},
        {"config_type": "health", "config_key": "stale_minutes", "value": "soon"},
    ]

    answer = api.patch("/config", json_body={"changes": changes})

    assert (answer.status, slug(answer)) == (422, "config-value-invalid")
    assert _value(api, JOBS, KEEP_DAYS)["version"] == 0


def test_the_schema_says_what_may_stand_where(api: Caller) -> None:
    schema = api.get("/config/schema").json()

    keep = schema["properties"][JOBS]["properties"][KEEP_DAYS]
    secret = schema["properties"]["auth"]["properties"]["kite.api_secret"]
    limits = schema["properties"]["api"]["patternProperties"]
    assert (keep["type"], keep["minimum"], keep["maximum"], keep["x-unit"]) == (
        "integer",
        1,
        3650,
        "days",
    )
    assert (secret["x-secret"], keep["x-secret"], keep["x-read"]) == (True, False, True)
    assert schema["properties"]["trading"]["properties"]["max_positions"]["x-read"] is False
    assert len(limits) >= 1


def test_the_way_back_is_shown_and_gone_over_http(api: Caller) -> None:
    start = int(api.get("/config/all").headers["etag"].strip('"r'))
    api.post(KEEP, json_body={"value": 45})
    api.post("/config/auth/kite.api_secret", json_body={"value": "swordfish"})

    preview = api.get(f"/config/rollback?revision={start}").json()
    done = api.post(
        "/config/rollback",
        json_body={"revision": start, "expected_revision": preview["current"]},
    )
    late = api.post(
        "/config/rollback",
        json_body={"revision": start + 1, "expected_revision": preview["current"]},
    )

    assert [each["config_key"] for each in preview["changes"]] == [KEEP_DAYS]
    assert [each["config_key"] for each in preview["left"]] == ["kite.api_secret"]
    assert (done.status, late.status) == (200, 412)
    assert _value(api, JOBS, KEEP_DAYS)["is_set"] is False
    differences = api.get(f"/config/diff?from={start}").json()["differences"]
    assert [each["config_key"] for each in differences] == ["kite.api_secret"]
    history = api.get(f"/config/history/{JOBS}/{KEEP_DAYS}").json()["changes"]
    assert [(each["value"], each["is_active"]) for each in history] == [(None, False), (45, True)]
    assert "swordfish" not in api.get(f"/config/diff?from={start}").text


@pytest.mark.parametrize(
    "path", ["/config/diff?from=0&to=999999", "/config/rollback?revision=999999"]
)
def test_a_revision_that_never_was_is_not_found(api: Caller, path: str) -> None:
    answer = api.get(path)

    assert (answer.status, slug(answer)) == (404, "config-revision-unknown")
