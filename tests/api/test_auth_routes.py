"""Signing in over HTTP, as typed in a terminal, against the simulated brokers."""

from datetime import timedelta
from typing import Any

import pytest

from apis import slug
from asgi import Caller
from desks import TESTER, Desk
from munshi.domain.config_keys import AUTH, SIMULATED_HEADLESS
from munshi.domain.enums import Service
from munshi.errors import BrokerSessionExpiredError

LOGIN = {Service.KITE: "/auth/db/kite/login", Service.BREEZE: "/auth/db/breeze/login"}
TOKEN = {Service.KITE: "request_token", Service.BREEZE: "api_session"}


@pytest.fixture
def by_hand(desk: Desk) -> None:
    """Nobody opted in to headless login."""
    desk.services.config.set(AUTH, SIMULATED_HEADLESS, value=False, actor=TESTER)


def _status(api: Caller, service: Service) -> dict[str, Any]:
    answer: dict[str, Any] = api.get("/auth/db/status").json()["services"][service]
    return answer


def test_status_of_a_fresh_desk_says_where_to_log_in(api: Caller) -> None:
    answer = api.get("/auth/db/status")

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
def test_the_post_of_the_document_logs_in_without_a_body(api: Caller, service: Service) -> None:
    answer = api.post(LOGIN[service])

    assert answer.status == 200
    status = _status(api, service)
    assert status["authenticated"] is True
    assert status["user"] == answer.json()["user"]
    assert status["expires_at"].endswith("Z")
    assert status["expires_at_ist"].endswith("IST")
    assert status["seconds_left"] > 0


@pytest.mark.parametrize("service", Service)
def test_a_token_in_the_body_is_exchanged(api: Caller, desk: Desk, service: Service) -> None:
    token = (
        desk.simulator.kite_request_token()
        if service is Service.KITE
        else desk.simulator.breeze_api_session()
    )

    answer = api.post(LOGIN[service], json_body={TOKEN[service]: token})

    assert answer.status == 200
    assert answer.json()["mode"] == "simulated"
    assert _status(api, service)["authenticated"] is True


@pytest.mark.parametrize("service", Service)
@pytest.mark.usefixtures("by_hand")
def test_without_opting_in_a_person_gets_the_link(api: Caller, service: Service) -> None:
    answer = api.post(LOGIN[service])

    assert (answer.status, slug(answer)) == (409, "login-needed")
    assert answer.json()["login_link"].startswith(f"http://localhost:8000/auth/{service}/start?")
    alerts = api.get("/auth/db/status").json()["alerts"]
    assert [alert["subject"] for alert in alerts] == [service]


@pytest.mark.parametrize("service", Service)
def test_a_token_that_the_broker_refuses_is_a_conflict(api: Caller, service: Service) -> None:
    answer = api.post(LOGIN[service], json_body={TOKEN[service]: "made-up"})

    assert answer.status == 409
    assert "made-up" not in answer.text
    status = _status(api, service)
    assert status["authenticated"] is False
    assert status["last_error"]


def test_a_request_token_is_good_once(api: Caller, desk: Desk) -> None:
    body = {"request_token": desk.simulator.kite_request_token()}

    first = api.post(LOGIN[Service.KITE], json_body=body)
    second = api.post(LOGIN[Service.KITE], json_body=body)

    assert first.status == 200
    assert (second.status, slug(second)) == (409, "broker-login-refused")


@pytest.mark.parametrize(
    "body", [{}, {"request_token": ""}, {"request_token": 7}, {"requesttoken": "x"}, [], "x"]
)
def test_a_body_without_a_token_is_refused(api: Caller, body: object) -> None:
    answer = api.post(LOGIN[Service.KITE], json_body=body)

    assert (answer.status, slug(answer)) == (422, "request-invalid")


def test_an_expired_login_is_not_authenticated(api: Caller, desk: Desk) -> None:
    desk.log_in_everywhere()

    desk.clock.advance(timedelta(days=1))

    for service in Service:
        status = _status(api, service)
        assert status["authenticated"] is False
        assert status["seconds_left"] is None


def test_cleanup_counts_by_table(api: Caller, desk: Desk) -> None:
    desk.log_in_everywhere()
    desk.clock.advance(timedelta(days=1))

    first = api.post("/auth/db/cleanup")
    second = api.post("/auth/db/cleanup")

    assert first.json()["ended"] == {"AuthSessions": 2, "UserSessions": 0, "CacheEntries": 0}
    assert second.json()["ended"]["AuthSessions"] == 0


@pytest.mark.parametrize("service", Service)
def test_disconnect_says_whether_there_was_a_login(
    api: Caller, desk: Desk, service: Service
) -> None:
    desk.log_in_everywhere()

    first = api.post(f"/auth/db/disconnect/{service}")
    second = api.post(f"/auth/db/disconnect/{service}")

    assert first.json()["disconnected"] is True
    assert second.json()["disconnected"] is False
    assert _status(api, service)["authenticated"] is False


def test_an_unknown_service_is_named_with_those_there_are(api: Caller) -> None:
    answer = api.post("/auth/db/disconnect/zerodha")

    assert (answer.status, slug(answer)) == (404, "service-unknown")
    assert "kite" in answer.json()["hint"]


def test_a_login_is_audited_with_who_asked_and_the_request(api: Caller) -> None:
    answer = api.post(LOGIN[Service.KITE])

    (entry,) = api.get("/audit/entity/auth/kite?action=login").json()["entries"]
    assert entry["user_id"] == "local-operator"
    assert entry["request_id"] == answer.headers["x-request-id"]


def test_no_answer_holds_a_token(api: Caller, desk: Desk) -> None:
    api.post(LOGIN[Service.KITE])
    api.post(LOGIN[Service.BREEZE])
    secrets = [
        secret
        for session in (desk.services.kite.restore(), desk.services.breeze.restore())
        if session is not None
        for secret in (session.access_token, session.session_token)
        if secret
    ]

    told = [
        api.get(path).text
        for path in ("/auth/db/status", "/audit/recent", "/config/all", "/jobs/recent")
    ]

    assert len(secrets) == 3
    assert [secret for secret in secrets for text in told if secret in text] == []


def test_the_status_says_in_which_state_each_login_is(api: Caller, desk: Desk) -> None:
    kite, breeze = desk.log_in(Service.KITE), desk.log_in(Service.BREEZE)
    good = [_status(api, service)["state"] for service in Service]
    desk.services.kite.book.mark_rejected(kite, BrokerSessionExpiredError("dead"))
    desk.clock.set(breeze.expires_at - timedelta(minutes=30))
    worse = [_status(api, service)["state"] for service in Service]
    desk.clock.set(breeze.expires_at)
    over = _status(api, Service.BREEZE)["state"]

    assert good == ["active", "active"]
    assert worse == ["rejected", "expiring"]
    assert over == "expired"
    assert "kite ended the login" in _status(api, Service.KITE)["last_error"]
