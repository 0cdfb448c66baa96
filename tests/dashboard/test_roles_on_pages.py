"""Roles on every page: whatever is shown may be done, and whatever may be done is shown."""

import re
from html import unescape
from typing import Any

import pytest
from starlette.routing import Match

from browser.living import fill, fill_the_rest, sign_in_elsewhere
from browser.visits import REFUSALS, addresses
from crowd import OWNER, Browser, House
from dashboard.forms import HTML
from munshi.api.roles import GuardedRoute
from munshi.dashboard.site import Site
from munshi.domain.roles import Role

PEOPLE = {Role.VIEWER: "vera", Role.OPERATOR: "omar", Role.ADMIN: "asha"}
_LINKS = re.compile(r'<a\b[^>]*href="(/[^"]*)"')
_FORMS = re.compile(r'<form\b[^>]*method="(get|post)"[^>]*action="([^"]*)"')
# Where a link that somebody was given leads, or a refusal, or what a redirect goes on to.
UNLINKED = {
    ("GET", "/ui/confirm"),
    ("GET", "/ui/setup"),
    ("GET", "/ui/login/done"),
    ("GET", "/ui/sign-in"),
    ("GET", "/ui/second-factor/code"),
    # Its link stands beside a file that is damaged, or on no page once a desk is set up.
    ("GET", "/ui/data/repair"),
    ("GET", "/ui/first-run"),
}


def _route(site: Site, method: str, path: str) -> GuardedRoute:
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    for route in site.app.routes:
        if isinstance(route, GuardedRoute) and route.matches(scope)[0] is Match.FULL:
            return route
    pytest.fail(f"A page shows {method} {path}, which nothing answers.")


def _shown(text: str) -> set[tuple[str, str]]:
    """Each way on of a page, as method and path."""
    links = {("GET", href.partition("?")[0].partition("#")[0]) for href in _LINKS.findall(text)}
    forms = {(method.upper(), path.partition("?")[0]) for method, path in _FORMS.findall(text)}
    return {(method, unescape(path)) for method, path in links | forms}


def _walk(site: Site, browser: Browser, role: Role, made: dict[str, str]) -> dict[Any, set[str]]:
    """What a role is shown: routes, with the paths at which it is shown each."""
    found: dict[Any, set[str]] = {}
    for address in addresses(site.app.routes, made):
        answer = browser.get(address, headers=HTML)
        allowed = _route(site, "GET", address.partition("?")[0]).role <= role
        wanted = REFUSALS.get(address, 200) if allowed else 403
        assert (address, answer.status) == (address, wanted)
        for method, path in _shown(answer.text):
            route = _route(site, method, path)
            found.setdefault((method, route.path, route.role), set()).add(address)
    return found


def test_what_each_role_is_shown_is_what_it_may_do(inhabited: House, site: Site) -> None:
    made = {**fill_the_rest(inhabited.desk), **fill(inhabited.desk)}
    for most in (7, 8):
        inhabited.desk.services.config.set("trading", "max_positions", most, actor=OWNER)
    shown = {}
    for role, name in PEOPLE.items():
        key = inhabited.people.api_keys.create(name, "own", actor=OWNER).key
        session = sign_in_elsewhere(inhabited.desk, name)
        own = {**made, "session": session, "key_id": str(key.key_id)}
        shown[role] = _walk(site, inhabited.browser(name), role, own)

    for role, found in shown.items():
        above = {key: pages for key, pages in found.items() if key[2] > role}
        assert above == {}, role
    for role in (Role.OPERATOR, Role.ADMIN):
        pages = {
            ("GET", route.path)
            for route in site.app.routes
            if isinstance(route, GuardedRoute)
            and "GET" in (route.methods or ())
            and route.path.startswith("/ui/")
            and route.role <= role
            and not route.path.startswith(("/ui/live/", "/ui/static/"))
            and not route.path.endswith(".json")
        }
        linked = {(method, path) for method, path, _ in shown[role]}
        assert pages - linked - UNLINKED == set(), role
