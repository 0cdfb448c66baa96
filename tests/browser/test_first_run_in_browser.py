"""From the printed link to Today: the administrator, both brokers by link, and the schedules."""

import pytest
from playwright.sync_api import Page, expect

from browser.site import Site
from crowd import OWNER, PASSWORD, hash_cheaply
from desks import TESTER
from munshi.domain.enums import Service

SUBMIT = {Service.KITE: "Sign in", Service.BREEZE: "Log in"}


def _set_up(tab: Page, site: Site) -> None:
    """By the link, then signed in, on the first page of the first run."""
    hash_cheaply(site.desk.services.config)
    site.desk.services.config.seed(actor=TESTER)
    token = site.desk.services.people.passwords.first_link(actor=OWNER)
    tab.goto(f"{site.url}/ui/setup?token={token}")
    tab.get_by_label("Your name here").fill("asha")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_label("The same again").fill(PASSWORD)
    tab.get_by_role("button", name="Store the password").click()
    tab.get_by_label("Name", exact=True).fill("asha")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(f"{site.url}/ui/first-run")


def _connect(tab: Page, site: Site, service: Service) -> None:
    """Through the simulated broker's own page, whose form is filled in, and back."""
    tab.get_by_role("button", name=f"Next: {service.title()}").click()
    tab.get_by_role("button", name=f"Sign in at {service.title()}").click()
    tab.wait_for_url(f"{site.desk.simulator.url}/**")
    tab.get_by_role("button", name=SUBMIT[service]).click()
    if service is Service.KITE:
        tab.get_by_role("button", name="Authorise").click()
    tab.wait_for_url(f"{site.url}/ui/login/done?service={service}")
    tab.get_by_role("link", name="Go on setting up").click()
    tab.wait_for_url(f"{site.url}/ui/first-run")


def _choose(tab: Page, site: Site) -> None:
    tab.get_by_role("button", name="Next: what starts by itself").click()
    tab.get_by_label("morning_brief").check()
    tab.get_by_label("cache_report").uncheck()
    tab.get_by_role("button", name="Store, and go to Today").click()
    tab.wait_for_url(f"{site.url}/ui/?done=first-run")


def _expect_today(tab: Page, site: Site) -> None:
    for service in Service:
        expect(tab.locator(f"#broker-{service}")).to_contain_text("Signed in as")
    schedules = site.desk.services.schedules
    assert schedules.get("morning_brief").enabled
    assert not schedules.get("cache_report").enabled


def test_the_first_run_leads_from_the_link_to_today(tab: Page, site: Site) -> None:
    _set_up(tab, site)
    _connect(tab, site, Service.KITE)

    # Left in the middle, and taken up again where it was.
    tab.get_by_role("button", name="Later; go to Today").click()
    tab.wait_for_url(f"{site.url}/ui/")
    tab.goto(f"{site.url}/ui/first-run")
    expect(tab.get_by_text("done, signed in as Simulated Trader")).to_be_visible()

    _connect(tab, site, Service.BREEZE)
    _choose(tab, site)
    _expect_today(tab, site)


def test_the_first_run_needs_no_script(tab: Page, site: Site) -> None:
    browser = tab.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    try:
        plain = context.new_page()
        _set_up(plain, site)
        _connect(plain, site, Service.KITE)
        plain.get_by_role("button", name="Next: Breeze").click()
        plain.get_by_role("button", name="Skip for now").click()
        plain.get_by_role("button", name="Store, and go to Today").click()
        expect(plain.locator("#broker-kite")).to_contain_text("Signed in as")
    finally:
        context.close()


@pytest.mark.parametrize("token", ["", "x" * 43, "<script>alert(1)</script>"])
def test_a_link_that_is_none_names_the_command_that_makes_one(
    tab: Page, site: Site, token: str
) -> None:
    answer = tab.request.get(f"{site.url}/ui/setup", params={"token": token})

    assert answer.status == 403
    assert "munshi users add NAME --role admin" in answer.text()
    assert "<script>" not in answer.text()
