"""Who is the local operator, one condition at a time, and what is refused as foreign."""

import pytest
from fastapi import APIRouter

from asgi import Caller
from clocks import FakeClock
from munshi.api.app import build_app
from munshi.api.roles import Role, allows
from munshi.settings import LocalTrust, Settings


class Doors:
    """One route for each role."""

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/door/public", self.public)
        router.add_api_route("/door/viewer", self.viewer)
        router.add_api_route("/door/operator", self.operator, methods=["GET", "POST"])
        router.add_api_route("/door/admin", self.admin)
        router.add_api_route("/auth/kite/callback", self.public)

    @allows(Role.PUBLIC)
    def public(self) -> str:
        return "open"

    @allows(Role.VIEWER)
    def viewer(self) -> str:
        return "open"

    @allows(Role.OPERATOR)
    def operator(self) -> str:
        return "open"

    @allows(Role.ADMIN)
    def admin(self) -> str:
        return "open"


def _caller(clock: FakeClock, settings: Settings, *, bound: str = "127.0.0.1") -> Caller:
    return Caller(build_app(settings, clock, [Doors()], listening=[(bound, 8000)]))


@pytest.fixture
def caller(clock: FakeClock) -> Caller:
    return _caller(clock, Settings())


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:8000"]
)
def test_curl_on_this_machine_is_the_operator(caller: Caller, host: str) -> None:
    answer = caller.post("/door/operator", headers={"host": host})

    assert answer.status == 200


@pytest.mark.parametrize("peer", ["::1", "127.0.0.2", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(caller: Caller, peer: str) -> None:
    assert caller.post("/door/operator", peer=(peer, 1)).status == 200


@pytest.mark.parametrize(
    "header",
    [
        "origin",
        "referer",
        "cookie",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-anything",
        "forwarded",
        "x-forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-anything",
        "x-real-ip",
        "via",
    ],
)
def test_a_sign_of_a_browser_or_proxy_ends_the_trust(caller: Caller, header: str) -> None:
    value = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}.get(header, "x")

    refused = caller.get("/door/viewer", headers={header: value})
    let_in = caller.get("/door/public", headers={header: value})

    assert refused.status == 401
    assert refused.json()["type"] == "/problems/authentication-needed"
    assert header in refused.json()["detail"]
    assert refused.headers["www-authenticate"]
    assert let_in.status == 200


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", ""])
def test_another_machine_is_not_the_operator(caller: Caller, peer: str) -> None:
    answer = caller.get("/door/viewer", peer=(peer, 1))

    assert answer.status == 401


@pytest.mark.parametrize(
    "settings",
    [
        Settings(local_trust=LocalTrust.OFF),
        Settings(public_url="https://desk.example.com"),
        Settings(trusted_proxy="127.0.0.1"),
        Settings(allowed_hosts=["desk.example.com"]),
    ],
    ids=["local_trust", "public_url", "trusted_proxy", "allowed_hosts"],
)
def test_a_setting_ends_the_trust_and_is_named(clock: FakeClock, settings: Settings) -> None:
    (name,) = settings.model_fields_set

    answer = _caller(clock, settings).get("/door/viewer")

    assert answer.status == 401
    assert f"MUNSHI_{name.upper()}" in answer.json()["detail"]


@pytest.mark.parametrize("bound", ["0.0.0.0", "192.0.2.7", "::"])  # noqa: S104
def test_listening_beyond_this_machine_ends_the_trust(clock: FakeClock, bound: str) -> None:
    answer = _caller(clock, Settings(), bound=bound).get("/door/viewer")

    assert answer.status == 401


def test_one_socket_beyond_this_machine_is_enough_to_end_the_trust(clock: FakeClock) -> None:
    bound = [("127.0.0.1", 8000), ("192.0.2.7", 8000)]
    caller = Caller(build_app(Settings(), clock, [Doors()], listening=bound))

    assert caller.get("/door/viewer").status == 401


@pytest.mark.parametrize(
    ("door", "trust", "status"),
    [
        ("public", "off", 200),
        ("viewer", "off", 401),
        ("operator", "off", 401),
        ("admin", "off", 401),
        ("public", "viewer", 200),
        ("viewer", "viewer", 200),
        ("operator", "viewer", 403),
        ("admin", "viewer", 403),
        ("public", "operator", 200),
        ("viewer", "operator", 200),
        ("operator", "operator", 200),
        ("admin", "operator", 403),
    ],
)
def test_each_door_opens_for_its_role_and_above(
    clock: FakeClock, door: str, trust: str, status: int
) -> None:
    caller = _caller(clock, Settings(local_trust=LocalTrust(trust)))

    assert caller.get(f"/door/{door}").status == status


@pytest.mark.parametrize(
    "host",
    ["desk.example.com", "localhost", "localhost:8001", "localhost.example.com:8000", "", None],
)
def test_a_foreign_host_is_refused_even_at_an_open_door(caller: Caller, host: str | None) -> None:
    answer = caller.get("/door/public", headers={"host": host})

    assert answer.status == 421
    assert answer.json()["type"] == "/problems/host-foreign"


def test_an_allowed_host_is_answered_but_not_trusted(clock: FakeClock) -> None:
    caller = _caller(clock, Settings(allowed_hosts=["desk.example.com"]))
    named = {"host": "desk.example.com:8000"}

    assert caller.get("/door/public", headers=named).status == 200
    assert caller.get("/door/viewer", headers=named).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost:8000"},
        {
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        },
        {"origin": "https://evil.example.com"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_site_is_refused_even_at_an_open_door(
    caller: Caller, headers: dict[str, str], method: str
) -> None:
    answer = caller.ask(method, "/door/public", headers=headers)

    assert answer.status == 403
    assert answer.json()["type"] == "/problems/origin-foreign"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://localhost:8000"},
        {"origin": "http://127.0.0.1:8000"},
    ],
)
def test_our_own_pages_are_not_foreign(caller: Caller, headers: dict[str, str]) -> None:
    assert caller.get("/door/public", headers=headers).status == 200


def test_the_brokers_redirect_comes_in_from_another_site(caller: Caller) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": "https://kite.example.com"}

    assert caller.get("/auth/kite/callback", headers=headers).status == 200


@pytest.mark.parametrize("path", ["/", "/ui/", "/docs"])
def test_a_link_on_another_site_may_open_a_page(caller: Caller, path: str) -> None:
    followed = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }

    opened = caller.get(path, headers=followed)
    framed = caller.get(path, headers={**followed, "sec-fetch-dest": "iframe"})

    assert opened.status in {200, 307}
    assert framed.status == 403
