"""Somebody who signs in on a page."""

from playwright.sync_api import Page

from browser.site import Site
from crowd import OWNER, PASSWORD, hash_cheaply
from munshi.domain.roles import Role

NAMES = {Role.VIEWER: "vera", Role.OPERATOR: "omar", Role.ADMIN: "asha"}


def sign_in(tab: Page, site: Site, role: Role, *, at: str = "/ui/") -> None:
    """A new user of that role, signed in, on the page they asked for."""
    hash_cheaply(site.desk.services.config)
    name = NAMES[role]
    site.desk.services.people.users.add(name, role, password=PASSWORD, actor=OWNER)
    tab.goto(f"{site.url}/ui/sign-in?wanted={at}")
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(f"{site.url}{at}")
