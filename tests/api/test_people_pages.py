"""The pages to choose a password and sign in, as a browser without scripts uses them."""

from urllib.parse import urlencode

import pytest

from asgi import Answer, Caller
from crowd import OTHER_PASSWORD, OWNER, PASSWORD, Browser, House, hash_cheaply
from desks import Desk
from munshi.api.app import create_app
from munshi.domain.roles import Role


@pytest.fixture
def newcomer(desk: Desk) -> Browser:
    """A browser on a desk where nobody can sign in yet."""
    hash_cheaply(desk.services.config)
    return Browser(Caller(create_app(desk.services)))


def send_form(browser: Browser, target: str, **fields: str) -> Answer:
    return browser.post(
        target,
        body=urlencode(fields).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


def first_token(desk: Desk) -> str:
    token = desk.services.people.passwords.first_link(actor=OWNER)
    assert token is not None
    return token


def test_the_first_administrator_sets_up_and_signs_in(desk: Desk, newcomer: Browser) -> None:
    token = first_token(desk)
    shown = newcomer.get(f"/ui/setup?token={token}")

    stored = send_form(
        newcomer, "/ui/setup", token=token, username="Asha", password=PASSWORD, again=PASSWORD
    )
    signed_in = send_form(newcomer, "/ui/sign-in", username="asha", password=PASSWORD, code="")

    assert "Set up the first administrator" in shown.text
    assert (stored.status, stored.headers["location"]) == (303, "/ui/sign-in?chosen=1")
    assert (signed_in.status, signed_in.headers["location"]) == (303, "/ui/")
    assert "You are asha, admin here." in newcomer.get("/ui/").text
    assert desk.services.people.users.get("asha").role is Role.ADMIN


def test_a_link_works_once(desk: Desk, newcomer: Browser) -> None:
    token = first_token(desk)
    form = {"token": token, "username": "asha", "password": PASSWORD, "again": PASSWORD}
    send_form(newcomer, "/ui/setup", **form)

    again = send_form(newcomer, "/ui/setup", **{**form, "username": "mallory"})
    looked_at = newcomer.get(f"/ui/setup?token={token}")

    assert [again.status, looked_at.status] == [403, 403]
    assert "was used already" in looked_at.text
    assert len(desk.services.people.users.list_users()) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"again": OTHER_PASSWORD}, "The two passwords differ."),
        ({"password": "too short", "again": "too short"}, "12 to 256 characters"),
        ({"username": "<b>"}, "small letters"),
    ],
)
def test_what_is_wrong_is_said_on_the_form_and_the_link_stays_good(
    desk: Desk, newcomer: Browser, fields: dict[str, str], said: str
) -> None:
    token = first_token(desk)
    form = {"token": token, "username": "asha", "password": PASSWORD, "again": PASSWORD}

    wrong = send_form(newcomer, "/ui/setup", **{**form, **fields})
    right = send_form(newcomer, "/ui/setup", **form)

    assert wrong.status == 422
    assert 'role="alert"' in wrong.text
    assert said in wrong.text
    assert PASSWORD not in wrong.text
    assert "<b>" not in wrong.text
    assert right.status == 303


def test_an_invited_user_finds_their_name_on_the_form(house: House) -> None:
    token = house.people.users.add("devi", Role.VIEWER, actor=OWNER).token
    browser = house.browser()

    shown = browser.get(f"/ui/setup?token={token}")
    send_form(
        browser, "/ui/setup", token=token or "", password=OTHER_PASSWORD, again=OTHER_PASSWORD
    )

    assert "Choose a password for devi" in shown.text
    assert browser.sign_in("devi", OTHER_PASSWORD).status == 200


def test_a_wrong_password_is_told_on_the_page_without_being_repeated(house: House) -> None:
    answer = send_form(
        house.browser(), "/ui/sign-in", username="omar", password=OTHER_PASSWORD, code=""
    )

    assert answer.status == 401
    assert "The name, the password or the one-time code is wrong." in answer.text
    assert 'value="omar"' in answer.text
    assert OTHER_PASSWORD not in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_out_is_a_button(house: House) -> None:
    browser = house.browser("omar")
    assert "Sign out" in browser.get("/ui/").text

    out = send_form(browser, "/ui/sign-out")

    assert (out.status, out.headers["location"]) == (303, "/ui/sign-in")
    assert browser.cookie is None
    assert "Sign in" in browser.get("/ui/").text


@pytest.mark.parametrize("path", ["/ui/sign-in", "/ui/setup?token=unknown", "/ui/setup"])
def test_these_pages_hold_no_script_and_are_kept_nowhere(house: House, path: str) -> None:
    answer = house.browser().get(path)

    assert "<script" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_another_site_cannot_sign_a_browser_in(house: House) -> None:
    browser = house.browser()
    browser.headers["sec-fetch-site"] = "cross-site"

    answer = send_form(browser, "/ui/sign-in", username="omar", password=PASSWORD, code="")

    assert answer.status == 403
    assert browser.cookie is None
