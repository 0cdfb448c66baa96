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
