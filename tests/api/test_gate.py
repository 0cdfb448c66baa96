"""What the gate does with every request, whatever the route."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi import APIRouter
from structlog.testing import capture_logs

from asgi import Answer, Caller
from clocks import FakeClock
from munshi.api.app import build_app
from munshi.api.gate import MAX_BODY_BYTES
from munshi.api.roles import GuardedRoute, Role, allows
from munshi.errors import BrokerThrottledError
from munshi.settings import Settings


class Sample:
    """A group with one route of each kind."""

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/sample/echo", self.echo, methods=["POST"])
        router.add_api_route("/sample/broken", self.broken)
        router.add_api_route("/sample/throttled", self.throttled)
        router.add_api_route("/sample/number", self.number)

    @allows(Role.OPERATOR)
    def echo(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"got": body, **structlog.contextvars.get_contextvars()}

    @allows(Role.VIEWER)
    def broken(self) -> None:
        raise RuntimeError("the password is swordfish")

    @allows(Role.VIEWER)
    def throttled(self) -> None:
        raise BrokerThrottledError("Kite wants us to wait.", retry_after=2.2)

    @allows(Role.VIEWER)
    def number(self, limit: int) -> int:
        return limit


@pytest.fixture
def caller(clock: FakeClock) -> Caller:
    return Caller(build_app(Settings(), clock, [Sample()]))


@pytest.fixture
def events() -> Iterator[list[Any]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as found:
        yield found


def _assert_problem(answer: Answer, *, slug: str, status: int) -> dict[str, Any]:
    document: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    assert answer.status == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    return document


def test_an_unexpected_failure_says_nothing_about_itself(
    events: list[Any], clock: FakeClock
) -> None:
    caller = Caller(build_app(Settings(), clock, [Sample()]))

    answer = caller.get("/sample/broken")

    document = _assert_problem(answer, slug="unexpected", status=500)
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text
    failed = next(event for event in events if event["event"] == "request failed")
    assert failed["request_id"] == document["request_id"]


def test_a_wait_is_told_in_the_header_too(caller: Caller) -> None:
    answer = caller.get("/sample/throttled")

    document = _assert_problem(answer, slug="broker-throttled", status=503)
    assert answer.headers["retry-after"] == "3"
    assert document["retryable"] is True


def test_an_unknown_address_is_a_problem(caller: Caller) -> None:
    answer = caller.get("/nowhere")

    document = _assert_problem(answer, slug="path-unknown", status=404)
    assert "/nowhere" in document["detail"]


def test_a_wrong_method_names_the_right_one(caller: Caller) -> None:
    answer = caller.get("/sample/echo")

    _assert_problem(answer, slug="method-unsupported", status=405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("body", [b"{", b'{"a": }', b"nonsense"])
def test_malformed_json_is_refused(caller: Caller, body: bytes) -> None:
    answer = caller.post("/sample/echo", body=body, headers={"content-type": "application/json"})

    _assert_problem(answer, slug="body-malformed", status=400)


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_json_under_another_name_is_told_the_right_one(
    caller: Caller, content_type: str | None
) -> None:
    answer = caller.post("/sample/echo", body=b'{"a": 1}', headers={"content-type": content_type})

    document = _assert_problem(answer, slug="request-invalid", status=422)
    assert "application/json" in document["hint"]


def test_a_value_of_the_wrong_kind_is_named_but_not_repeated(caller: Caller) -> None:
    answer = caller.get("/sample/number?limit=swordfish")

    document = _assert_problem(answer, slug="request-invalid", status=422)
    assert document["detail"].startswith("limit: ")
    assert "swordfish" not in answer.text


def test_a_body_too_large_is_refused_by_its_announced_length(caller: Caller) -> None:
    answer = caller.post("/sample/echo", body=b"x" * (MAX_BODY_BYTES + 1))

    _assert_problem(answer, slug="body-too-large", status=413)


def test_a_body_too_large_is_refused_when_it_comes_in_pieces(caller: Caller) -> None:
    chunk = b"x" * (MAX_BODY_BYTES // 4)

    answer = caller.post("/sample/echo", body=[chunk] * 5)

    _assert_problem(answer, slug="body-too-large", status=413)


def test_a_body_in_pieces_arrives_whole(caller: Caller) -> None:
    answer = caller.post(
        "/sample/echo", body=[b'{"a"', b": 1}"], headers={"content-type": "application/json"}
    )

    assert answer.json()["got"] == {"a": 1}


def test_each_request_gets_an_id_that_nobody_can_choose(caller: Caller) -> None:
    chosen = {"x-request-id": "mine"}

    first = caller.post("/sample/echo", json_body={}, headers=chosen)
    second = caller.post("/sample/echo", json_body={}, headers=chosen)

    ids = {first.headers["x-request-id"], second.headers["x-request-id"]}
    assert len(ids) == 2
    assert "mine" not in ids


def test_log_events_of_a_request_carry_its_id(caller: Caller) -> None:
    answer = caller.post("/sample/echo", json_body={})

    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_the_access_log_holds_no_query(events: list[Any], clock: FakeClock) -> None:
    caller = Caller(build_app(Settings(), clock, [Sample()]))

    caller.get("/sample/number?limit=1&request_token=swordfish")

    logged = [event for event in events if event["event"] == "request"]
    assert [(e["path"], e["status"], e["caller"]) for e in logged] == [
        ("/sample/number", 200, "local-operator")
    ]
    assert "swordfish" not in json.dumps(events, default=str)


def test_answers_forbid_what_browsers_could_do_with_them(caller: Caller) -> None:
    headers = caller.get("/sample/number?limit=1").headers

    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_pages_may_load_only_what_comes_from_here(caller: Caller) -> None:
    policy = caller.get("/docs").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_route_that_does_not_say_who_may_call_it_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)

    def open_door() -> None: ...

    with pytest.raises(TypeError, match="does not say who may call it"):
        router.add_api_route("/open", open_door)
