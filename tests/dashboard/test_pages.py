"""What all pages have in common: light, nothing inline, nobody else's host, and a way on."""

import gzip
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlencode

import pytest

from asgi import Caller
from crowd import PASSWORD, House

STATIC = Path(str(files("munshi.dashboard").joinpath("static")))
MOST_BYTES = 150 * 1024
PAGES = [
    *("/ui/", "/ui/jobs", "/ui/queues", "/ui/schedules", "/ui/limits", "/ui/health"),
    *("/ui/configuration", "/ui/configuration/jobs/keep_days", "/ui/configuration/revisions"),
    *("/ui/configuration/alerts/alert.job_dead", "/ui/audit", "/ui/audit/seal", "/ui/audit/verify"),
    *("/ui/alerts", "/ui/alerts/history", "/ui/alerts/rules", "/ui/alerts/channels", "/ui/cache"),
    *("/ui/alerts/silences/new", "/ui/cache/all/clear"),
    *("/ui/schedules/kite_login", "/ui/schedules/kite_login/pause", "/ui/health/disk"),
    *("/ui/job-pace", "/ui/data", "/ui/data/quality", "/ui/data/collect"),
    *("/ui/research", "/ui/research/new?strategy=ma_cross"),
    *("/ui/research/sweeps", "/ui/research/validations"),
]
# axe-core is for the tests alone.
VENDORED = [
    *(STATIC / name for name in ("htmx", "pico", "uplot", "lightweight-charts")),
    Path(__file__).parents[1] / "browser" / "vendored" / "axe",
]
AS_BROWSER = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}


@pytest.mark.usefixtures("schedule")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_holds_nothing_inline_and_names_no_other_host(
    local: Caller, path: str
) -> None:
    answer = local.get(path)
    text = answer.text

    assert answer.status == 200, text
    named = re.findall(r'(?:src|href)="(/(?:ui|docs)/static/[^"]+)"', text)
    loaded = [local.get(address) for address in named]
    assert {each.status for each in loaded} == {200}
    weight = sum(len(gzip.compress(each.body)) for each in (answer, *loaded))
    assert weight < MOST_BYTES
    assert re.findall(r"<script(?![^>]*src=)|<style| style=| on\w+=", text) == []
    assert re.findall(r"""(?:src|href|action|connect)=["'](?:https?:)?//""", text) == []
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_what_was_vendored_is_as_it_was_taken(folder: Path) -> None:
    version = folder.joinpath("VERSION").read_text("utf-8").splitlines()
    assert re.search(r"^\S+ \d+\.\d+\.\d+, from npm, unchanged; licence \S+$", version[0])
    held = {
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}"
        for each in folder.iterdir()
        if each.name != "VERSION"
    }
    assert held == set(version[1:])


def test_whom_nobody_knows_is_asked_to_sign_in_and_led_back(inhabited: House) -> None:
    stranger = inhabited.browser()

    asked = stranger.get("/ui/jobs?state=dead&said=%C3%A9", headers=AS_BROWSER)

    assert asked.status == 303
    assert (
        asked.headers["location"]
        == "/ui/sign-in?wanted=%2Fui%2Fjobs%3Fstate%3Ddead%26said%3D%25C3%25A9"
    )
    assert stranger.get("/ui/live/today").status == 401
    assert "Sign in" in stranger.get("/ui/", headers=AS_BROWSER).text


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("/ui/jobs?state=dead", "/ui/jobs?state=dead"),
        ("https://elsewhere.example/ui/", "/ui/"),
        ("//elsewhere.example", "/ui/"),
        ("/ui/\r\nSet-Cookie: a=b", "/ui/"),
        ("/ui/\\elsewhere.example", "/ui/"),
    ],
)
def test_a_sign_in_leads_to_pages_of_ours_only(inhabited: House, typed: str, leads_to: str) -> None:
    body = urlencode({"username": "vera", "password": PASSWORD, "wanted": typed}).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}

    answer = inhabited.browser().post("/ui/sign-in", body=body, headers=form)

    assert (answer.status, answer.headers["location"]) == (303, leads_to)


@pytest.mark.parametrize("path", ["/ui/nowhere", "/ui/static/own/nothing.js"])
def test_a_wrong_address_is_a_page_with_a_way_on_and_a_problem_for_programs(
    local: Caller, path: str
) -> None:
    page = local.get(path, headers={"accept": "text/html"})
    problem = local.get(path)

    assert (page.status, problem.status) == (404, 404)
    assert 'href="/ui/"' in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert problem.json()["type"] == "/problems/path-unknown"
