"""Forged cookies, tampered forms and addresses, on every page: a page with a way on, no fault."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote, urlencode

import pytest

from asgi import Answer
from browser.living import fill, fill_the_rest, sign_in_elsewhere
from browser.visits import addresses, page_paths
from crowd import Browser, House
from dashboard.forms import FORM, HTML, post
from munshi.api.roles import GuardedRoute
from munshi.dashboard.site import Site

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
NASTY = (SCRIPT, "9" * 40, "\x00", "0001-01-01T00:00")
_FORM = re.compile(r'<form\b[^>]*method="post"[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
_NAMES = re.compile(r'<(?:input|select|textarea|button)\b[^>]*\bname="([^"]+)"')
_LEFT_ALONE = ("/ui/sign-", "/ui/confirm", "/ui/password")


def _check(answer: Answer, asked: str) -> None:
    """No fault, no script, and from every page a way on."""
    assert answer.status < 500, (asked, answer.status, answer.text)
    if answer.status == 303:
        assert answer.headers["location"].startswith("/ui/"), asked
        return
    assert "<script>alert" not in answer.text, asked
    assert "<img src=x" not in answer.text, asked
    if answer.headers["content-type"].startswith("text/html"):
        assert 'href="/ui/' in answer.text or "<form" in answer.text, asked


def _forms(text: str) -> Iterator[tuple[str, list[str]]]:
    for path, inside in _FORM.findall(text):
        yield unescape(path), _NAMES.findall(inside)


@pytest.mark.parametrize(
    "cookie", ["munshi=forged", f"munshi={'A' * 43}", "munshi=", f"munshi={SCRIPT}", "munshi=é"]
)
def test_a_cookie_that_is_none_of_ours_is_nobodys(inhabited: House, cookie: str) -> None:
    browser = inhabited.browser()
    browser.cookie = cookie

    page = browser.get("/ui/jobs?state=dead", headers=HTML)
    form = post(browser, "/ui/alerts/silences/new", pattern="x", reason="y")

    assert page.headers["location"] == "/ui/sign-in?wanted=%2Fui%2Fjobs%3Fstate%3Ddead"
    assert form.status == 401
    assert 'href="/ui/sign-in?wanted=%2Fui%2Falerts%2Fsilences%2Fnew"' in form.text
    _check(form, cookie)


def test_whatever_is_typed_into_whichever_form_is_answered_by_a_page(
    inhabited: House, site: Site
) -> None:
    made = {**fill_the_rest(inhabited.desk), **fill(inhabited.desk)}
    asha = inhabited.browser("asha")
    made["session"] = sign_in_elsewhere(inhabited.desk, "asha")
    known = {
        form: names
        for address in addresses(site.app.routes, made)
        for form, *names in _forms(asha.get(address, headers=HTML).text)
        if not form.startswith(_LEFT_ALONE)
    }

    assert len(known) > 25
    for path, [names] in known.items():
        for typed in ({}, dict.fromkeys(names, SCRIPT)):
            body = urlencode(typed).encode()
            _check(asha.post(path, body=body, headers=FORM), f"{path} {typed}")
    for address in addresses(site.app.routes, made):
        _check(asha.get(address, headers=HTML), address)


def test_whatever_stands_in_an_address_is_answered_by_a_page(inhabited: House, site: Site) -> None:
    asha = inhabited.browser("asha")
    for path in page_paths(site.app.routes):
        for address in _tampered(site, path):
            _check(asha.get(address, headers=HTML), address)


def _tampered(site: Site, path: str) -> Iterator[str]:
    """The path with what is no value for its parameters, then for each field of its query."""
    nobody = "00000000-0000-7000-8000-000000000000"
    if "{" in path:
        for each in (SCRIPT, "9" * 40, nobody):
            yield re.sub(r"\{\w+\}", quote(each, safe=""), path)
    plain = re.sub(r"\{\w+\}", nobody, path)
    route = next(
        each
        for each in site.app.routes
        if isinstance(each, GuardedRoute) and each.path == path and "GET" in (each.methods or ())
    )
    fields = {field.alias for field in route.dependant.query_params}
    for field in sorted(fields):
        for each in NASTY:
            yield f"{plain}?{urlencode({field: each})}"


def test_a_browser_is_not_needed_to_be_refused_well(inhabited: House) -> None:
    """An address of a page that never was, and forms without a body or with another type."""
    omar: Browser = inhabited.browser("omar")

    for headers in (HTML, {**HTML, "content-type": "application/json"}, FORM):
        for body in (b"", b"{", b"%", b"a=b&a=c", "é".encode("latin-1")):
            _check(omar.post("/ui/alerts/silences/new", body=body, headers=headers), str(body))
    _check(omar.get("/ui/" + "x" * 5000, headers=HTML), "a long address")
