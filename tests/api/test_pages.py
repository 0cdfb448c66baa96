"""The pages that stand until there is a dashboard, and the description of the API."""

import re

import pytest

from asgi import Caller
from clocks import FakeClock
from munshi.api.app import build_app
from munshi.settings import BrokerMode, Settings

BROWSER = {
    "sec-fetch-site": "none",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "cookie": "a=b",
}


@pytest.fixture
def caller(clock: FakeClock) -> Caller:
    return Caller(build_app(Settings(), clock, []))


def test_the_root_leads_to_the_pages(caller: Caller) -> None:
    answer = caller.get("/", headers=BROWSER)

    assert (answer.status, answer.headers["location"]) == (307, "/ui/")


@pytest.mark.parametrize("path", ["/ui/", "/docs", "/ui/login/done?service=kite"])
@pytest.mark.parametrize("mode", BrokerMode)
def test_a_page_says_the_mode_before_anything_else(
    clock: FakeClock, path: str, mode: BrokerMode
) -> None:
    caller = Caller(build_app(Settings(brokers=mode), clock, []))

    answer = caller.get(path, headers=BROWSER)

    assert answer.status == 200
    body = answer.text.split("<body>")[1]
    assert re.match(rf'<p class="mode {mode}">{mode.value.title()} brokers', body)


def test_the_front_page_leads_on(caller: Caller) -> None:
    text = caller.get("/ui/", headers=BROWSER).text

    assert 'href="/docs"' in text
    assert "curl http://localhost:8000/auth/db/status" in text


def test_pages_hold_no_inline_script_or_style_and_name_no_other_host(caller: Caller) -> None:
    for path in ("/ui/", "/docs"):
        text = caller.get(path).text

        assert re.findall(r"<script(?![^>]*src=)", text) == []
        assert "<style" not in text
        assert " style=" not in text
        assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text) == []


def test_the_description_loads_every_file_it_names(caller: Caller) -> None:
    page = caller.get("/docs").text

    files = set(re.findall(r'(?:src|href)="([^"]+)"', page)) - {"/ui/keys"}  # a page, of the desk
    assert len(files) > 1
    for address in files:
        answer = caller.get(address)
        assert answer.status == 200, address
        assert answer.body


def test_the_description_says_why_calls_cannot_be_tried_in_a_browser(caller: Caller) -> None:
    assert "They cannot be tried out from this page." in caller.get("/docs").text
    assert "supportedSubmitMethods: []" in caller.get("/docs/static/munshi-docs.js").text


def test_vendored_files_come_with_their_licence(caller: Caller) -> None:
    assert "Apache License" in caller.get("/docs/static/LICENSE").text
    assert "SmartBear" in caller.get("/docs/static/NOTICE").text


def test_a_file_that_was_seen_is_not_sent_again(caller: Caller) -> None:
    first = caller.get("/docs/static/swagger-ui.css")

    second = caller.get(
        "/docs/static/swagger-ui.css", headers={"if-none-match": first.headers["etag"]}
    )

    assert (second.status, second.body) == (304, b"")


@pytest.mark.parametrize("name", ["VERSION", "..", "pages.css", "%2e%2e%2fpages.css"])
def test_only_the_listed_files_are_served(caller: Caller, name: str) -> None:
    assert caller.get(f"/docs/static/{name}").status == 404


def test_a_page_does_not_repeat_what_the_address_says(caller: Caller) -> None:
    answer = caller.get("/ui/login/done?service=%3Cscript%3Ealert(1)%3C/script%3E")

    assert "alert(1)" not in answer.text


def test_the_type_of_a_problem_leads_to_its_meaning(caller: Caller) -> None:
    refused = caller.get("/nowhere").json()

    answer = caller.get(refused["type"], headers=BROWSER)

    assert answer.status == 200
    assert refused["title"] in answer.text
    assert caller.get("/problems/made-up").status == 404
