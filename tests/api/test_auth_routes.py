"""Signing in over HTTP, as typed in a terminal, against the simulated brokers."""

from datetime import timedelta
from typing import Any

import pytest

from asgi import Answer, Caller
from desks import TESTER, Desk
from munshi.api.app import create_app
from munshi.domain.config_keys import AUTH, SIMULATED_HEADLESS
from munshi.domain.enums import Service

LOGIN = {Service.KITE: "/auth/db/kite/login", Service.BREEZE: "/auth/db/breeze/login"}
TOKEN = {Service.KITE: "request_token", Service.BREEZE: "api_session"}


@pytest.fixture
def caller(desk: Desk) -> Caller:
    return Caller(create_app(desk.services))


@pytest.fixture
def by_hand(desk: Desk) -> None:
    """Nobody opted in to headless login."""
    desk.services.config.set(AUTH, SIMULATED_HEADLESS, value=False, actor=TESTER)


def _status(caller: Caller, service: Service) -> dict[str, Any]:
    answer: dict[str, Any] = caller.get("/auth/db/status").json()["services"][service]
    return answer


def _slug(answer: Answer) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def test_status_of_a_fresh_desk_says_where_to_log_in(caller: Caller) -> None:
    answer = caller.get("/auth/db/status")

    assert answer.status == 200
    document = answer.json()
    assert document["mode"] == "simulated"
    assert "simulated" in document["label"]
    assert list(document["services"]) == ["kite", "breeze"]
    for service, status in document["services"].items():
        assert status["authenticated"] is False
        assert status["mode"] == "simulated"
        assert status["login_link"].startswith(f"http://localhost:8000/auth/{service}/start?")


@pytest.mark.parametrize("service", Service)
def test_the_post_of_the_document_logs_in_without_a_body(caller: Caller, service: Service) -> None:
    answer = caller.post(LOGIN[service])

    assert answer.status == 200
    status = _status(caller, service)
    assert status["authenticated"] is True
    assert status["user"] == answer.json()["user"]
    assert status["expires_at"].endswith("Z")
    assert status["expires_at_ist"].endswith("IST")
    assert status["seconds_left"] > 0


@pytest.mark.parametrize("service", Service)
def test_a_token_in_the_body_is_exchanged(caller: Caller, desk: Desk, service: Service) -> None:
    token = (
        desk.simulator.kite_request_token()
        if service is Service.KITE
        else desk.simulator.breeze_api_session()
    )

    answer = caller.post(LOGIN[service], json_body={TOKEN[service]: token})

    assert answer.status == 200
    assert answer.json()["mode"] == "simulated"
    assert _status(caller, service)["authenticated"] is True


@pytest.mark.parametrize("service", Service)
@pytest.mark.usefixtures("by_hand")
def test_without_opting_in_a_person_gets_the_link(caller: Caller, service: Service) -> None:
    answer = caller.post(LOGIN[service])

    assert (answer.status, _slug(answer)) == (409, "login-needed")
    assert answer.json()["login_link"].startswith(f"http://localhost:8000/auth/{service}/start?")
    alerts = caller.get("/auth/db/status").json()["alerts"]
    assert [alert["subject"] for alert in alerts] == [service]


@pytest.mark.parametrize("service", Service)
def test_a_token_that_the_broker_refuses_is_a_conflict(caller: Caller, service: Service) -> None:
    answer = caller.post(LOGIN[service], json_body={TOKEN[service]: "made-up"})

    assert answer.status == 409
    assert "made-up" not in answer.text
    status = _status(caller, service)
    assert status["authenticated"] is False
    assert status["last_error"]


def test_a_request_token_is_good_once(caller: Caller, desk: Desk) -> None:
    body = {"request_token": desk.simulator.kite_request_token()}

    first = caller.post(LOGIN[Service.KITE], json_body=body)
    second = caller.post(LOGIN[Service.KITE], json_body=body)

    assert first.status == 200
    assert (second.status, _slug(second)) == (409, "broker-login-refused")


@pytest.mark.parametrize(
    "body", [{}, {"request_token": ""}, {"request_token": 7}, {"requesttoken": "x"}, [], "x"]
)
def test_a_body_without_a_token_is_refused(caller: Caller, body: object) -> None:
    answer = caller.post(LOGIN[Service.KITE], json_body=body)

    assert (answer.status, _slug(answer)) == (422, "request-invalid")


def test_an_expired_login_is_not_authenticated(caller: Caller, desk: Desk) -> None:
    desk.log_in_everywhere()

    desk.clock.advance(timedelta(days=1))

    for service in Service:
        status = _status(caller, service)
        assert status["authenticated"] is False
        assert status["seconds_left"] is None


def test_cleanup_counts_by_table(caller: Caller, desk: Desk) -> None:
    desk.log_in_everywhere()
    desk.clock.advance(timedelta(days=1))

    first = caller.post("/auth/db/cleanup")
    second = caller.post("/auth/db/cleanup")

    assert first.json()["ended"] == {"AuthSessions": 2, "UserSessions": 0, "CacheEntries": 0}
    assert second.json()["ended"]["AuthSessions"] == 0


@pytest.mark.parametrize("service", Service)
def test_disconnect_says_whether_there_was_a_login(
    caller: Caller, desk: Desk, service: Service
) -> None:
    desk.log_in_everywhere()

    first = caller.post(f"/auth/db/disconnect/{service}")
    second = caller.post(f"/auth/db/disconnect/{service}")

    assert first.json()["disconnected"] is True
    assert second.json()["disconnected"] is False
    assert _status(caller, service)["authenticated"] is False


def test_an_unknown_service_is_named_with_those_there_are(caller: Caller) -> None:
    answer = caller.post("/auth/db/disconnect/zerodha")

    assert (answer.status, _slug(answer)) == (404, "service-unknown")
    assert "kite" in answer.json()["hint"]


def test_a_login_is_audited_with_who_asked_and_the_request(caller: Caller) -> None:
    answer = caller.post(LOGIN[Service.KITE])

    (entry,) = caller.get("/audit/entity/auth/kite?action=login").json()["entries"]
    assert entry["user_id"] == "local-operator"
    assert entry["request_id"] == answer.headers["x-request-id"]


def test_no_answer_holds_a_token(caller: Caller, desk: Desk) -> None:
    caller.post(LOGIN[Service.KITE])
    caller.post(LOGIN[Service.BREEZE])
    secrets = [
        secret
        for session in (desk.services.kite.restore(), desk.services.breeze.restore())
        if session is not None
        for secret in (session.access_token, session.session_token)
        if secret
    ]

    told = [
        caller.get(path).text
        for path in ("/auth/db/status", "/audit/recent", "/config/all", "/jobs/recent")
    ]

    assert len(secrets) == 3
    assert [secret for secret in secrets for text in told if secret in text] == []
