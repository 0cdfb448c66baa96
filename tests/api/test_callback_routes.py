"""The brokers' redirects: the only way in from another site, and only while one is awaited."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from apis import slug
from asgi import Caller
from desks import TESTER, Desk
from munshi.domain.enums import Service

FROM_THE_BROKER = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "accept": "text/html,application/xhtml+xml",
}
TYPED = {**FROM_THE_BROKER, "sec-fetch-site": "none"}


def _state(desk: Desk) -> str:
    """Begin a Kite login; the state that Kite will echo."""
    link = desk.services.kite.begin_login(actor=TESTER)
    params = parse_qs(urlsplit(link).query)["redirect_params"][0]
    return parse_qs(params)["state"][0]


def _is_in(api: Caller, service: Service) -> bool:
    return bool(api.get("/auth/db/status").json()["services"][service]["authenticated"])


def _kite(token: str, state: str) -> str:
    return f"/auth/kite/callback?request_token={token}&status=success&action=login&state={state}"


def test_kites_redirect_completes_a_login_and_leaves_no_token_in_the_address(
    api: Caller, desk: Desk
) -> None:
    token = desk.simulator.kite_request_token()

    answer = api.get(_kite(token, _state(desk)), headers=FROM_THE_BROKER)

    assert (answer.status, answer.headers["location"]) == (303, "/ui/login/done?service=kite")
    assert _is_in(api, Service.KITE)


def test_kites_redirect_is_refused_when_nobody_began_a_login(api: Caller, desk: Desk) -> None:
    answer = api.get(_kite(desk.simulator.kite_request_token(), "made-up"))

    assert (answer.status, slug(answer)) == (403, "login-not-pending")
    assert not _is_in(api, Service.KITE)


def test_kites_redirect_must_bring_our_state_back(api: Caller, desk: Desk) -> None:
    _state(desk)

    wrong = api.get(_kite(desk.simulator.kite_request_token(), "made-up"))
    none = api.get(_kite(desk.simulator.kite_request_token(), ""))

    assert (wrong.status, none.status) == (403, 403)
    assert not _is_in(api, Service.KITE)


def test_a_pending_login_is_good_once(api: Caller, desk: Desk) -> None:
    state = _state(desk)
    api.get(_kite(desk.simulator.kite_request_token(), state))

    again = api.get(_kite(desk.simulator.kite_request_token(), state))

    assert (again.status, slug(again)) == (403, "login-not-pending")


def test_a_pending_login_is_good_for_ten_minutes(api: Caller, desk: Desk) -> None:
    state = _state(desk)
    desk.clock.advance(timedelta(minutes=10, seconds=1))

    answer = api.get(_kite(desk.simulator.kite_request_token(), state))

    assert (answer.status, slug(answer)) == (403, "login-not-pending")


def test_a_login_given_up_at_kite_keeps_the_pending_one(api: Caller, desk: Desk) -> None:
    state = _state(desk)

    given_up = api.get(f"/auth/kite/callback?status=cancelled&state={state}")
    after_all = api.get(_kite(desk.simulator.kite_request_token(), state))

    assert (given_up.status, slug(given_up)) == (409, "broker-login-refused")
    assert after_all.status == 303


def test_breezes_redirect_completes_a_login_by_query(api: Caller, desk: Desk) -> None:
    desk.services.breeze.begin_login(actor=TESTER)
    api_session = desk.simulator.breeze_api_session()

    answer = api.get(f"/auth/breeze/callback?apisession={api_session}", headers=FROM_THE_BROKER)

    assert (answer.status, answer.headers["location"]) == (303, "/ui/login/done?service=breeze")
    assert _is_in(api, Service.BREEZE)


def test_breezes_redirect_completes_a_login_by_form(api: Caller, desk: Desk) -> None:
    desk.services.breeze.begin_login(actor=TESTER)
    form = f"API_Session={desk.simulator.breeze_api_session()}"

    answer = api.post(
        "/auth/breeze/callback",
        body=form.encode(),
        headers={
            **FROM_THE_BROKER,
            "content-type": "application/x-www-form-urlencoded",
            "origin": "https://api.icicidirect.com",
        },
    )

    assert answer.status == 303
    assert _is_in(api, Service.BREEZE)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_breezes_redirect_is_refused_when_nobody_began_a_login(
    api: Caller, desk: Desk, method: str
) -> None:
    api_session = desk.simulator.breeze_api_session()

    answer = api.ask(method, f"/auth/breeze/callback?apisession={api_session}")

    assert (answer.status, slug(answer)) == (403, "login-not-pending")
    assert not _is_in(api, Service.BREEZE)


@pytest.mark.parametrize("service", Service)
def test_a_redirect_without_a_token_is_refused(api: Caller, service: Service) -> None:
    answer = api.get(f"/auth/{service}/callback")

    assert (answer.status, slug(answer)) == (409, "broker-login-refused")


def test_people_see_a_refusal_as_a_page(api: Caller) -> None:
    answer = api.get("/auth/kite/callback?request_token=swordfish", headers=FROM_THE_BROKER)

    assert answer.status == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "No login is waiting" in answer.text
    assert "swordfish" not in answer.text


@pytest.mark.parametrize("service", Service)
def test_a_login_link_leads_on_to_the_broker(api: Caller, desk: Desk, service: Service) -> None:
    link = api.get("/auth/db/status").json()["services"][service]["login_link"]

    answer = api.get(link.removeprefix("http://localhost:8000"), headers=TYPED)

    assert answer.status == 303
    assert answer.headers["location"].startswith(desk.simulator.url)


@pytest.mark.parametrize("service", Service)
def test_a_login_link_needs_its_ticket(api: Caller, service: Service) -> None:
    answer = api.get(f"/auth/{service}/start?ticket=made-up", headers=TYPED)

    assert answer.status == 403
    assert "location" not in answer.headers


def test_a_login_link_is_not_followed_from_another_site(api: Caller) -> None:
    link = api.get("/auth/db/status").json()["services"]["kite"]["login_link"]

    answer = api.get(link.removeprefix("http://localhost:8000"), headers=FROM_THE_BROKER)

    assert (answer.status, slug(answer)) == (403, "origin-foreign")
