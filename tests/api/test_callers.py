"""Who a request belongs to when it carries a cookie or an API key, and what that does not open."""

import dataclasses
from datetime import timedelta

import pytest

from apis import slug
from asgi import Caller
from crowd import OWNER, House
from munshi.api.app import create_app
from munshi.settings import LocalTrust


def served(house: House, **settings: object) -> House:
    """The same house under other settings."""
    changed = house.desk.services.settings.model_copy(update=settings)
    services = dataclasses.replace(house.desk.services, settings=changed)
    listening = [(changed.host, changed.port)]
    return House(desk=house.desk, caller=Caller(create_app(services, listening=listening)))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": None, "origin": "http://localhost:8000"},
    ],
)
def test_a_change_from_our_own_page_is_taken(house: House, headers: dict[str, str | None]) -> None:
    browser = house.browser("omar")

    assert browser.post("/jobs/cleanup", headers=headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost:8000"},
        {"sec-fetch-site": None, "origin": "https://elsewhere.example"},
        {"sec-fetch-site": None, "origin": "null"},
        {"sec-fetch-site": None},
    ],
)
def test_a_change_that_may_come_from_elsewhere_is_refused(
    house: House, headers: dict[str, str | None]
) -> None:
    browser = house.browser("omar")

    answer = browser.post("/jobs/cleanup", headers=headers)

    assert (answer.status, slug(answer)) == (403, "origin-foreign")


def test_a_cookie_never_makes_a_local_operator(house: House) -> None:
    answer = house.caller.get("/jobs/recent", headers={"cookie": "munshi=made-up"})

    assert (answer.status, answer.json()["detail"]) == (401, "The session has ended.")


@pytest.mark.parametrize("cookie", ["other=1", "munshi=", "xmunshi=1; __Host-munshi=2"])
def test_other_cookies_are_nobodys(house: House, cookie: str) -> None:
    answer = house.caller.get("/jobs/recent", headers={"cookie": cookie})

    assert answer.status == 401
    assert "header cookie" in answer.json()["detail"]


def test_the_cookie_is_found_among_others(house: House) -> None:
    browser = house.browser("omar")
    browser.cookie = f"a=b; {browser.cookie}; c=d"

    assert browser.get("/people/me").json()["name"] == "omar"


def test_behind_tls_the_cookie_is_bound_to_the_host(house: House) -> None:
    secure = served(house, public_url="https://desk.example.com")
    browser = secure.browser()
    browser.headers |= {"host": "desk.example.com"}

    given = browser.sign_in("omar").headers["set-cookie"]

    assert given.startswith("__Host-munshi=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(given.split("; "))
    assert "Domain" not in given
    answer = browser.get("/people/me")
    assert answer.json()["name"] == "omar"
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    browser.cookie = (browser.cookie or "").removeprefix("__Host-")
    assert browser.get("/people/me").status == 401


def test_without_tls_no_browser_is_told_to_insist_on_it(house: House) -> None:
    assert "strict-transport-security" not in house.caller.get("/ui/").headers


@pytest.mark.parametrize(
    "authorization",
    ["Bearer mk_unknown", "Bearer", "Bearer something-else", "Basic b21hcjpzZWNyZXQ=", ""],
)
def test_a_wrong_key_is_nobody_even_on_this_machine(house: House, authorization: str) -> None:
    answer = house.caller.get("/jobs/recent", headers={"authorization": authorization})

    assert (answer.status, slug(answer)) == (401, "authentication-needed")


def test_a_key_works_from_another_machine_and_asks_no_page(house: House) -> None:
    headers = {"authorization": f"bearer {house.api_key('omar')}"}

    answer = house.caller.post("/jobs/cleanup", headers=headers, peer=("192.0.2.9", 40_000))

    assert answer.status == 200


def test_a_key_that_only_reads_changes_nothing(house: House) -> None:
    headers = {"authorization": f"Bearer {house.api_key('omar', read_only=True)}"}

    read = house.caller.get("/jobs/recent", headers=headers)
    changed = house.caller.post("/jobs/cleanup", headers=headers)

    assert (read.status, changed.status, slug(changed)) == (200, 403, "access-denied")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/jobs/recent", 200), ("/data/instruments", 200), ("/config/all", 403), ("//jobs", 403)],
)
def test_a_key_of_some_groups_opens_no_others(house: House, path: str, status: int) -> None:
    key = house.api_key("omar", groups=["jobs", "data"])

    answer = house.caller.ask("GET", path, headers={"authorization": f"Bearer {key}"})

    assert answer.status == status


def test_a_disabled_user_is_out_with_cookie_and_key(house: House) -> None:
    browser, key = house.browser("omar"), house.api_key("omar")

    house.people.users.disable("omar", actor=OWNER)

    assert browser.get("/people/me").status == 401
    by_key = house.caller.get("/people/me", headers={"authorization": f"Bearer {key}"})
    assert by_key.status == 401


def test_a_session_lives_by_its_use(house: House) -> None:
    browser, idle = house.browser("omar"), house.browser("omar")

    for _ in range(3):
        house.desk.clock.advance(timedelta(minutes=40))
        assert browser.get("/people/me").status == 200

    assert idle.get("/people/me").status == 401


def test_trust_that_is_off_leaves_curl_to_keys(house: House) -> None:
    strict = served(house, local_trust=LocalTrust.OFF)
    key = {"authorization": f"Bearer {house.api_key('omar')}"}

    assert strict.caller.get("/jobs/recent").status == 401
    assert strict.caller.get("/jobs/recent", headers=key).status == 200
    assert strict.browser("vera").get("/jobs/recent").status == 200


def test_listening_beyond_this_machine_leaves_nobody_trusted_without_a_name(house: House) -> None:
    open_house = served(house, host="0.0.0.0", allowed_hosts=["desk.lan"])  # noqa: S104
    stranger = ("192.0.2.9", 40_000)

    assert open_house.caller.get("/jobs/recent").status == 401
    assert open_house.caller.get("/jobs/recent", peer=stranger).status == 401
    foreign = open_house.caller.get("/ui/", headers={"host": "evil.example"}, peer=stranger)
    assert foreign.status == 421
    browser = open_house.browser()
    browser.headers |= {"host": "desk.lan:8000", "origin": "http://desk.lan:8000"}
    browser.headers["sec-fetch-site"] = None
    assert browser.sign_in("omar").status == 200


def test_behind_the_trusted_proxy_the_address_is_the_one_it_saw(house: House) -> None:
    proxied = served(house, trusted_proxy="127.0.0.1", public_url="https://desk.example.com")
    browser = proxied.browser()
    browser.headers |= {
        "host": "desk.example.com",
        "x-forwarded-for": "203.0.113.200, 198.51.100.4",
    }

    browser.sign_in("omar")

    session = browser.get("/people/sessions").json()["sessions"][0]
    assert session["ip_address"] == "198.51.100.4"


def test_nobody_else_is_believed_what_they_say_of_their_address(house: House) -> None:
    browser = house.browser()
    browser.headers["x-forwarded-for"] = "198.51.100.4"

    browser.sign_in("omar")

    assert browser.get("/people/sessions").json()["sessions"][0]["ip_address"] == "127.0.0.1"
